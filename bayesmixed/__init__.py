"""bayesmixed: Bayesian hierarchical models from a specification, through PyMC, to shrinkage and intraclass correlation."""

from importlib import import_module
from types import FunctionType
from typing import Any

_PUBLIC = {
    "BayesMixedError": "errors",
    "DataError": "errors",
    "SamplingError": "errors",
    "SpecError": "errors",
    "StatisticsWarning": "errors",
    "LINKS": "families.links",
    "Link": "families.links",
    "Prior": "prior_distributions",
    "FAMILIES": "families",
    "Family": "families",
    "COVARIANCES": "terms.covariances",
    "TERMS": "terms",
    "Fixed": "terms",
    "Group": "terms",
    "MultiMembership": "terms",
    "Observation": "terms",
    "Offset": "terms",
    "Smooth": "terms",
    "Weights": "terms.weights",
    "ModelSpec": "spec.model_spec",
    "from_formula": "spec.model_spec",
    "from_r": "translation.r_calls",
    "list_specs": "spec.files",
    "load_spec": "spec.files",
    "save_spec": "spec.files",
    "read_table": "tables.frames",
    "Design": "design.design",
    "prepare": "preparation.preparing",
    "check_data": "survey.data_survey",
    "build": "model.pymc_models",
    "ENGINES": "engines",
    "Fit": "fits.fitting",
    "fit": "fits.fitting",
    "sample": "fits.fitting",
    "extend": "fits.refitting",
    "refit": "fits.refitting",
    "Approximation": "estimation.approximations",
    "approximate": "estimation.marginal_maxima",
    "Ladder": "summaries.rungs",
    "ladder": "summaries.rungs",
    "plot_ladder": "plots.ladders",
    "load_fit": "fits.files",
    "save_fit": "fits.files",
    "predict": "prediction.predictions",
    "posterior_predictive": "prediction.replicates",
    "simulate": "simulation.simulated_data",
    "compare_pooling": "summaries.pooling.three_poolings",
    "plot_poolings": "plots.pooling",
    "log_likelihood": "cross_validation.log_densities",
    "loo": "cross_validation.leaving_out",
    "kfold": "cross_validation.kfolds",
    "compare_models": "cross_validation.model_comparison",
    "residuals": "summaries.checks.quantile_residuals",
    "check_residuals": "summaries.checks.quantile_residuals",
    "plot_residuals": "plots.residual_plots",
    "plot_loo_pit": "plots.residual_plots",
    "Evidence": "summaries.marginal_likelihoods",
    "evidence": "summaries.marginal_likelihoods",
    "influence": "cross_validation.influential_groups",
    "Calibration": "calibration.ranks",
    "calibrate": "calibration.ranks",
    "Verification": "calibration.certificates",
    "verify": "calibration.verification",
    "plot_calibration": "plots.calibration_plots",
    "half_normal": "summaries.checks.half_normals",
    "plot_half_normal": "plots.half_normal_plots",
    "diagnose": "fits.convergence",
    "population_effects": "summaries.parameters.effects",
    "group_effects": "summaries.parameters.effects",
    "variance_components": "summaries.variance.components",
    "implied_covariance": "summaries.variance.components",
    "smooth_curves": "summaries.parameters.smooths",
    "smooth_effects": "summaries.parameters.smooths",
    "plot_smooth": "plots.smooths",
    "contextual_effect": "summaries.parameters.contextual",
    "icc": "summaries.variance.intraclass",
    "r2": "summaries.variance.explained_variance",
    "Estimates": "display.estimates",
    "marginal_means": "summaries.marginal.means",
    "conditional_effects": "summaries.marginal.means",
    "contrasts": "summaries.marginal.differences",
    "comparisons": "summaries.marginal.row_comparisons",
    "describe_effects": "summaries.marginal.described_effects",
    "slopes": "summaries.marginal.row_slopes",
    "effective_groups": "summaries.variance.group_spread",
    "negligible_sds": "summaries.variance.group_spread",
    "typical_ratios": "summaries.variance.group_spread",
    "vpc_curve": "summaries.variance.vpc_curves",
    "variance_dossier": "summaries.variance.dossier",
    "PriorComparison": "summaries.priors.comparison",
    "compare_priors": "summaries.priors.comparison",
    "sweep_priors": "summaries.priors.comparison",
    "prior_sensitivity": "summaries.priors.power_scaling",
    "plot_prior_comparison": "plots.prior_comparison",
    "plot_prior_posterior": "plots.prior_posteriors",
    "plot_variance_shares": "plots.variance_shares",
    "plot_vpc_curve": "plots.vpc_curves",
    "future_group": "summaries.marginal.populations",
    "group_ranks": "summaries.marginal.ranks",
    "hypothesis": "summaries.marginal.hypotheses",
    "tidy": "summaries.parameters.tidying",
    "pooling_curve": "summaries.variance.pooling_curves",
    "PriorPredictive": "summaries.priors.predictions",
    "prior_predictive": "summaries.priors.predictions",
    "PriorTable": "summaries.priors.tables",
    "prior_table": "summaries.priors.tables",
    "shrinkage": "summaries.pooling.shrinkage_factors",
    "PosteriorChecks": "summaries.checks.predictive_checks",
    "posterior_checks": "summaries.checks.predictive_checks",
    "summary": "summaries.overview",
    "plot_conditional_effects": "plots.effects",
    "plot_effects": "plots.all_effects",
    "plot_forest": "plots.forests",
    "plot_surface": "plots.surfaces",
    "plot_trace": "plots.draw_plots",
    "plot_rank": "plots.draw_plots",
    "plot_pairs": "plots.draw_plots",
    "plot_future_group": "plots.populations",
    "plot_pooling_curve": "plots.pooling_curves",
    "plot_shrinkage": "plots.pooling",
    "plot_posterior_checks": "plots.checks",
    "plot_prior_predictive": "plots.prior_predictions",
    "methods_text": "report.methods",
    "write_report": "report",
}
_MODULES = ("datasets",)

__all__ = [*_PUBLIC, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES or name in _PUBLIC:
        module = f"bayesmixed.{_PUBLIC.get(name, name)}"
        import_module("bayesmixed.interruptions").import_whole(module)
        found = import_module(module) if name in _MODULES else getattr(import_module(module), name)
        if isinstance(found, FunctionType) and not hasattr(found, "__wrapped__"):
            found = import_module("bayesmixed.arguments").checked(found)
            found.__module__ = __name__  # pickle finds it by its public name
            globals()[name] = found
        return found
    here = import_module("bayesmixed.peer_names").PEER_NAMES.get(name)
    hint = "" if here is None else f". Its place is taken by {here}"
    raise AttributeError(f"module 'bayesmixed' has no attribute '{name}'{hint}")


def __dir__() -> list[str]:
    return sorted(__all__)
