"""Functions of lme4, glmmTMB, brms, Bambi, emmeans and others, and what to call here instead."""

_FIT = "bm.fit(formula, data, family=...); bm.from_r translates the call"
_MEANS = 'bm.marginal_means(fit, "x")'
_CHECKS = "bm.posterior_checks(fit), bm.plot_posterior_checks"
_EXPECTED = "bm.predict(fit, rows)"
_PRIORS = "bm.prior_table(spec, data)"
_WITHOUT = 'bm.predict(fit, rows, kind="linear")'
_MARGINAL = 'bm.approximate(spec, data, method="laplace")'
_LEFT_OUT = 'bm.loo(fit, unit="observation")'
PEER_NAMES = {
    **dict.fromkeys(("lm", "glm", "lmer", "glmer", "lme", "gls", "mmrm", "glmmTMB", "gam", "bam", "clm", "clmm"), _FIT),
    **dict.fromkeys(("multinom", "brm", "stan_lmer", "stan_glmer", "stan_glm", "MCMCglmm", "Model"), _FIT),
    "ranef": "bm.group_effects(fit)",
    "fixef": "bm.population_effects(fit)",
    "coef": 'bm.group_effects(fit, kind="coefficient")',
    "VarCorr": "bm.variance_components(fit)",
    "vcov": 'fit.posterior["beta"], whose draws have the covariance',
    "confint": "bm.tidy(fit)",
    "summary_df": "bm.tidy(fit)",
    **dict.fromkeys(("emmeans", "lsmeans", "predictions", "avg_predictions", "predict_response"), _MEANS),
    **dict.fromkeys(("pairs", "contrast"), 'bm.contrasts(fit, "x")'),
    "avg_comparisons": 'bm.comparisons(fit, groups="existing")',
    **dict.fromkeys(("avg_slopes", "emtrends", "margins"), "bm.slopes(fit)"),
    **dict.fromkeys(
        ("marginal_effects", "ggpredict", "ggeffect", "plot_predictions"), 'bm.conditional_effects(fit, "x")'
    ),
    **dict.fromkeys(("pp_check", "ppc", "plot_ppc"), _CHECKS),
    "posterior_predict": 'bm.predict(fit, rows, kind="response")',
    **dict.fromkeys(("posterior_epred", "fitted", "add_epred_draws"), _EXPECTED),
    **dict.fromkeys(("posterior_linpred", "linpred"), _WITHOUT),
    **dict.fromkeys(("set_prior", "prior"), 'bm.fit(..., priors={"beta[x]": "Normal(0, 1)"})'),
    **dict.fromkeys(("get_prior", "default_prior", "prior_summary"), _PRIORS),
    **dict.fromkeys(
        ("loo_compare", "model_weights", "anova"), 'bm.compare_models({"a": fit, "b": other}, unit="observation")'
    ),
    **dict.fromkeys(("waic", "psis_loo"), _LEFT_OUT),
    **dict.fromkeys(("bayes_factor", "bridge_sampler"), 'bm.evidence({"a": fit, "b": other})'),
    **dict.fromkeys(("bayes_R2", "r2_nakagawa", "r_squared"), "bm.r2(fit)"),
    **dict.fromkeys(("rhat", "neff_ratio", "check_convergence", "isSingular"), "bm.diagnose(fit)"),
    **dict.fromkeys(("simulateResiduals", "testDispersion"), "bm.check_residuals(fit)"),
    **dict.fromkeys(("logLik", "AIC", "BIC", "deviance"), _MARGINAL),
    **dict.fromkeys(("stancode", "make_stancode", "to_pymc"), "bm.build(bm.prepare(spec, data)), the model in PyMC"),
    **dict.fromkeys(("bf", "formula"), 'bm.from_formula("y ~ x", sigma="~ z")'),
    **dict.fromkeys(("saveRDS", "save"), 'bm.save_fit(fit, "fit.nc")'),
    **dict.fromkeys(("readRDS", "load"), 'bm.load_fit("fit.nc")'),
    **dict.fromkeys(("hdi", "plot_posterior"), "ArviZ on fit.draws; bm.tidy(fit) has intervals"),
    "update": "bm.refit(fit, priors=..., data=...)",
}
"""Names of peers, each with the call here."""
