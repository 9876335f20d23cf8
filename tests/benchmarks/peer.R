# One model by rstanarm or brms, one JSON line: Rscript peer.R PACKAGE CSV LABELS FORMULA FAMILY
a <- commandArgs(TRUE)
suppressMessages(library(a[1], character.only = TRUE))
d <- read.csv(a[2])
for (x in strsplit(a[3], ",")[[1]]) d[[x]] <- factor(d[[x]])
started <- proc.time()[3]
args <- list(as.formula(a[4]), data = d, family = a[5], chains = 4, cores = 2, iter = 2000, seed = 1, refresh = 0)
fit <- do.call(if (a[1] == "brms") brms::brm else rstanarm::stan_glmer, args)
seconds <- proc.time()[3] - started
stan <- if (a[1] == "brms") fit$fit else fit$stanfit
m <- as.data.frame(rstan::monitor(as.array(stan), warmup = 0, print = FALSE))
effects <- grepl("^(r_.*\\[|b\\[)", rownames(m))
others <- !effects & !grepl("^(mean_PPD|log-posterior|lp__|lprior|z_|Intercept)", rownames(m))
if (a[1] == "rstanarm") others <- others | rownames(m) == "(Intercept)"
steps <- sum(sapply(rstan::get_sampler_params(stan, inc_warmup = FALSE), function(p) sum(p[, "n_leapfrog__"])))
cat(sprintf('{"engine":"%s","seconds":%.3f,"bulk":%.1f,"bulk_effects":%.1f,"tail":%.1f,"tail_effects":%.1f,"rhat":%.5f,"divergences":%d,"gradients":%d,"peak":NaN}\n',
  a[1], seconds, min(m$Bulk_ESS[others]), min(m$Bulk_ESS[effects]), min(m$Tail_ESS[others]), min(m$Tail_ESS[effects]),
  max(m$Rhat), rstan::get_num_divergent(stan), as.integer(steps)))
