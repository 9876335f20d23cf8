"""bayesmixed: Bayesian hierarchical models from a specification, through PyMC, to shrinkage and intraclass correlation."""

from importlib import import_module
from typing import Any

_PUBLIC = {
    "BayesMixedError": "errors",
    "DataError": "errors",
    "SamplingError": "errors",
    "SpecError": "errors",
    "StatisticsWarning": "errors",
    "LINKS": "links",
    "Link": "links",
    "Prior": "priors",
    "FAMILIES": "families",
    "Family": "families",
    "COVARIANCES": "covariances",
    "TERMS": "terms",
    "Fixed": "terms",
    "Group": "terms",
    "Observation": "terms",
    "Offset": "terms",
    "Weights": "weights",
    "ModelSpec": "spec",
    "from_formula": "spec",
    "list_specs": "spec_files",
    "load_spec": "spec_files",
    "save_spec": "spec_files",
    "read_table": "frames",
    "Design": "design",
    "prepare": "preparation",
    "check_data": "summaries.survey",
    "build": "model",
    "ENGINES": "engines",
    "Fit": "fitting",
    "fit": "fitting",
    "sample": "fitting",
    "extend": "refitting",
    "refit": "refitting",
    "load_fit": "fit_files",
    "save_fit": "fit_files",
    "predict": "prediction",
    "posterior_predictive": "replicates",
    "simulate": "simulation",
    "compare_pooling": "summaries.three_poolings",
    "plot_poolings": "plots.pooling",
    "log_likelihood": "summaries.leaving_out",
    "loo": "summaries.leaving_out",
    "kfold": "summaries.leaving_out",
    "compare_models": "summaries.model_comparison",
    "residuals": "summaries.quantile_residuals",
    "check_residuals": "summaries.quantile_residuals",
    "plot_residuals": "plots.residual_plots",
    "plot_loo_pit": "plots.residual_plots",
    "diagnose": "summaries.convergence",
    "population_effects": "summaries.effects",
    "group_effects": "summaries.effects",
    "variance_components": "summaries.variance",
    "implied_covariance": "summaries.variance",
    "contextual_effect": "summaries.contextual",
    "icc": "summaries.intraclass",
    "r2": "summaries.explained_variance",
    "Estimates": "summaries.estimates",
    "marginal_means": "summaries.marginal",
    "conditional_effects": "summaries.marginal",
    "contrasts": "summaries.differences",
    "effective_groups": "summaries.group_spread",
    "negligible_sds": "summaries.group_spread",
    "typical_ratios": "summaries.group_spread",
    "vpc_curve": "summaries.vpc_curves",
    "variance_dossier": "summaries.dossier",
    "PriorComparison": "summaries.prior_comparison",
    "compare_priors": "summaries.prior_comparison",
    "sweep_priors": "summaries.prior_comparison",
    "prior_sensitivity": "summaries.power_scaling",
    "plot_prior_comparison": "plots.prior_comparison",
    "plot_vpc_curve": "plots.vpc_curves",
    "future_group": "summaries.populations",
    "group_ranks": "summaries.ranks",
    "hypothesis": "summaries.hypotheses",
    "tidy": "summaries.tidying",
    "pooling_curve": "summaries.pooling_curves",
    "PriorPredictive": "summaries.prior_predictions",
    "prior_predictive": "summaries.prior_predictions",
    "PriorTable": "summaries.prior_tables",
    "prior_table": "summaries.prior_tables",
    "shrinkage": "summaries.pooling",
    "PosteriorChecks": "summaries.predictive_checks",
    "posterior_checks": "summaries.predictive_checks",
    "summary": "summaries.overview",
    "plot_conditional_effects": "plots.effects",
    "plot_future_group": "plots.populations",
    "plot_pooling_curve": "plots.pooling_curves",
    "plot_shrinkage": "plots.pooling",
    "plot_posterior_checks": "plots.checks",
    "plot_prior_predictive": "plots.prior_predictions",
}
_MODULES = ("datasets",)

__all__ = [*_PUBLIC, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"bayesmixed.{name}")
    if name in _PUBLIC:
        return getattr(import_module(f"bayesmixed.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'bayesmixed' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
