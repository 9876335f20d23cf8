# One model by maximum likelihood, fitted twice, one JSON line of the second: Rscript maximum.R CSV LABELS PACKAGE CALL
a <- commandArgs(TRUE)
suppressMessages(library(a[3], character.only = TRUE))
d <- read.csv(a[1])
for (x in strsplit(a[2], ",")[[1]]) d[[x]] <- factor(d[[x]])
for (i in 1:2) used <- system.time(fit <- eval(parse(text = a[4])))
cat(sprintf('{"cpu":%.4f,"log_likelihood":%.4f}\n', sum(used[c(1, 2)]), as.numeric(logLik(fit))))
