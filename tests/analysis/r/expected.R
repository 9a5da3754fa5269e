# Numbers that R computes, for the tests of edviz.analysis to compare with: Rscript expected.R, in this folder.
# Made with R 4.2.2, lme4 1.1-31, emmeans 1.8.4, nlme 3.1-162, MASS 7.3-58.2.
suppressMessages({library(lme4); library(emmeans)})
write <- function(frame, file) write.csv(frame, file, row.names = FALSE, quote = FALSE)

# Small tables with random, mostly incomplete combinations: ranks, and which pairs of levels can be compared.
set.seed(20)
tables <- list(); ranks <- list(); pairs_of_levels <- list()
models <- c("a", "a+b", "a+b+c", "a*b", "a*b+c", "a/b", "a+a:b+c", "a:b")
for (id in 1:24) {
  n <- sample(5:14, 1)
  d <- data.frame(a = sample(LETTERS[1:3], n, TRUE), b = sample(letters[1:5], n, TRUE), c = sample(c("x", "y", "z"), n, TRUE))
  if (id %% 3 == 0) d$c <- c("x", "x", "y", "y", "z")[match(d$b, letters)]   # a factor that nests another
  d[] <- lapply(d, factor)
  if (any(sapply(d, nlevels) < 2)) next
  tables[[id]] <- cbind(table = id, d)
  for (model in models) {
    m <- model.matrix(as.formula(paste("~", model)), d)
    ranks[[length(ranks) + 1]] <- data.frame(table = id, model = model, rank = qr(m)$rank, columns = ncol(m))
  }
  d$y <- rnorm(n)
  for (target in c("a", "b", "c")) {
    fit <- lm(as.formula(paste("y ~", paste(c(setdiff(c("a", "b", "c"), target), target), collapse = "+"))), d)
    grid <- suppressMessages(emmeans(ref_grid(fit, nesting = NULL), target))
    levels <- levels(d[[target]])
    for (i in seq_along(levels)) for (j in seq_along(levels)) if (i < j) {
      contrast <- numeric(length(levels)); contrast[c(i, j)] <- c(1, -1)
      estimate <- summary(contrast(grid, list(d = contrast)))$estimate
      pairs_of_levels[[length(pairs_of_levels) + 1]] <-
        data.frame(table = id, factor = target, one = levels[i], other = levels[j], estimable = as.integer(!is.na(estimate)))
    }
  }
}
write(do.call(rbind, tables), "tables.csv")
write(do.call(rbind, ranks), "ranks.csv")
write(do.call(rbind, pairs_of_levels), "comparisons.csv")

# Strata and efficiency factors of balanced designs by aov.
strata <- list()
add <- function(name, fit) {
  efficiencies <- tryCatch(eff.aovlist(fit), error = function(e) NULL)
  for (stratum in setdiff(names(fit), "(Intercept)")) {
    s <- summary(fit[[stratum]])[[1]]
    for (row in seq_len(nrow(s))) {
      term <- trimws(rownames(s)[row])
      known <- !is.null(efficiencies) && stratum %in% rownames(efficiencies) && term %in% colnames(efficiencies)
      strata[[length(strata) + 1]] <<- data.frame(design = name, stratum = stratum, term = term, df = s$Df[row],
        efficiency = if (known) signif(efficiencies[stratum, term], 10) else NA)
    }
  }
}
oats <- nlme::Oats; oats$nitro <- factor(oats$nitro); class(oats) <- "data.frame"; oats$Block <- factor(as.character(oats$Block))
add("oats", aov(yield ~ Variety * nitro + Error(Block / Variety), oats))
add("npk", aov(yield ~ N * P * K + Error(block), MASS::npk))
cake <- lme4::cake; cake$temperature <- factor(cake$temperature, ordered = FALSE)
add("cake", aov(angle ~ recipe * temperature + Error(replicate / recipe), cake))
write(do.call(rbind, strata), "strata.csv")

# Canonical efficiency factors in unequal, incomplete blocks, by the eigenvalues of products of projectors.
projector <- function(f) { x <- model.matrix(~ f - 1); x %*% solve(crossprod(x), t(x)) }
set.seed(3)
canonical <- list(); blocked <- list()
for (id in 1:6) {
  d <- data.frame(block = factor(rep(1:5, sample(2:4, 5, TRUE))))
  d$treatment <- factor(LETTERS[c(1:4, sample(1:4, nrow(d) - 4, TRUE))][sample(nrow(d))])
  mean <- matrix(1 / nrow(d), nrow(d), nrow(d))
  q_treatment <- projector(d$treatment) - mean
  q <- list(block = projector(d$block) - mean, within = diag(nrow(d)) - projector(d$block))
  for (stratum in names(q)) {
    e <- sort(eigen(q_treatment %*% q[[stratum]] %*% q_treatment, symmetric = TRUE)$values); e <- e[e > 1e-8]
    canonical[[length(canonical) + 1]] <- data.frame(design = id, stratum = stratum, efficiency = signif(e, 10))
  }
  blocked[[id]] <- cbind(design = id, d)
}
write(do.call(rbind, blocked), "blocked.csv")
write(do.call(rbind, canonical), "canonical.csv")

# Components of variance: REML equals analysis of variance in balanced data when no component is negative.
components <- list()
component <- function(name, fit) {
  v <- as.data.frame(VarCorr(fit))
  components[[length(components) + 1]] <<- data.frame(model = name, term = v$grp, variance = signif(v$vcov, 8))
}
control <- lmerControl(optCtrl = list(xtol_rel = 1e-12, ftol_abs = 1e-14))
component("machines", lmer(score ~ Machine + (1 | Worker) + (1 | Machine:Worker), as.data.frame(nlme::Machines), control = control))
component("pastes", lmer(strength ~ 1 + (1 | batch) + (1 | batch:cask), Pastes, control = control))
component("penicillin", lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin, control = control))
write(do.call(rbind, components), "components.csv")

# Sums of squares in the order of the terms, also where combinations are unequally frequent.
squares <- list()
square <- function(name, fit) {
  a <- anova(fit)
  squares[[length(squares) + 1]] <<- data.frame(model = name, term = trimws(rownames(a)), df = a$Df, sum_of_squares = signif(a[["Sum Sq"]], 10))
}
square("npk", lm(yield ~ block + N * P * K, MASS::npk))
square("warpbreaks", lm(breaks ~ wool * tension, warpbreaks[-(1:4), ]))
write(do.call(rbind, squares), "squares.csv")

# Power of t and F tests.
power <- list()
keep <- function(...) power[[length(power) + 1]] <<- data.frame(...)
for (n in c(2, 3, 5, 10, 40)) for (delta in c(0.25, 1, 2.5)) for (alpha in c(.01, .05)) for (type in c("two.sample", "paired"))
  keep(test = type, n = n, effect = delta, alpha = alpha, power = signif(power.t.test(n, delta, sig.level = alpha, type = type, strict = TRUE)$power, 10))
for (n in c(2, 5, 12)) for (between in c(.1, 1)) for (groups in c(2, 3, 6))
  keep(test = paste0("anova", groups), n = n, effect = between, alpha = .05,
       power = signif(power.anova.test(groups, n, between.var = between, within.var = 2)$power, 10))
write(do.call(rbind, power), "power.csv")
detectable <- do.call(rbind, lapply(c(2, 3, 4, 5, 6, 8, 10, 20), function(n) data.frame(n = n, effect =
  signif(power.t.test(n, power = .8, strict = TRUE, tol = 1e-10)$delta, 8))))
write(detectable, "detectable.csv")
