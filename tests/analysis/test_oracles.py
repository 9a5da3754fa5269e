"""Designs of textbooks and packages with the answers that are printed there."""

from itertools import combinations, product

import numpy as np
import pytest

from edviz.analysis import (
    UnitTable,
    analysis_of_variance,
    anatomy,
    balance,
    comparison,
    defining_relation,
    effect,
    expected_mean_squares,
    lattice,
    model_rank,
    replication,
    unit_table,
)
from edviz.analysis.power import f_power, f_sample_size, t_power, t_sample_size, two_sample
from tests.analysis.designs import alpha_design, factorial, in_blocks, latin_square, published, with_column


def skeleton(found):
    """Stratum -> degrees of freedom in all, of each treatment term, and of the residual."""
    return {
        stratum.name: (stratum.df, *(source.df for source in stratum.sources), stratum.residual_df)
        for stratum in found.strata
    }


def efficiencies(found, treatment):
    """Stratum -> efficiency factors of a treatment, rounded."""
    return {
        stratum.name: [round(value, 4) for value in stratum.source(treatment).efficiencies]
        for stratum in found.strata
        if stratum.source(treatment)
    }


def test_oracle_01_randomized_blocks():
    """5 blocks of 5 plots: dae, DesignNotes 2.1."""
    table = unit_table(with_column(factorial(row=5, column=5), "treatment", lambda row, column: (2 * row + column) % 5))
    assert skeleton(anatomy(table, "row/column", "treatment")) == {"row": (4, 4), "column[row]": (20, 4, 16)}


def test_oracle_02_latin_square_of_5():
    """dae, DesignNotes 2.1."""
    found = anatomy(latin_square(5), "row*column", "treatment")
    assert skeleton(found) == {"row": (4, 4), "column": (4, 4), "row#column": (16, 4, 12)}


def test_oracle_03_latin_square_of_7():
    """dae, testOneStructure."""
    found = anatomy(latin_square(7), "row*column", "treatment")
    assert skeleton(found) == {"row": (6, 6), "column": (6, 6), "row#column": (36, 6, 30)}


def test_oracle_04_latin_square_of_6():
    """Rows, columns and operators: agridat, cochran.latin."""
    found = anatomy(latin_square(6), "row*column", "treatment")
    assert skeleton(found) == {"row": (5, 5), "column": (5, 5), "row#column": (25, 5, 20)}


def test_oracle_05_split_plot_of_oats():
    """Yates 1935: nlme, Oats; dae, DesignNotes 2.2."""
    found = anatomy(published("nlme", "Oats", "Block Variety nitro"), "Block/Variety/nitro", "Variety*nitro")
    assert skeleton(found) == {
        "Block": (5, 5),
        "Variety[Block]": (12, 2, 10),
        "nitro[Block:Variety]": (54, 3, 6, 45),
    }


def test_oracle_06_split_units_of_weeks_and_zinc():
    """8 blocks of 5 units of 4 parts: dae, DesignNotes 2.3."""
    found = anatomy(unit_table(factorial(block=8, week=5, zinc=4)), "block/week", "week*zinc")
    assert skeleton(found) == {"block": (7, 7), "week[block]": (32, 4, 28), "within": (120, 3, 12, 105)}


def test_oracle_07_split_split_plot():
    """3 replicates, 5 nitrogen, 3 management, 3 varieties: Gomez and Gomez 1984; agridat, gomez.splitsplit."""
    table = unit_table(factorial(rep=3, nitro=5, management=3, gen=3))
    found = anatomy(table, "rep/nitro/management", "nitro*management*gen")
    assert skeleton(found) == {
        "rep": (2, 2),
        "nitro[rep]": (12, 4, 8),
        "management[rep:nitro]": (30, 2, 8, 20),
        "within": (90, 2, 8, 4, 16, 60),
    }


def test_oracle_08_strip_plot():
    """3 replicates, strips of 3 nitrogen and of 6 varieties: Gomez and Gomez 1984; agridat, gomez.stripplot."""
    found = anatomy(unit_table(factorial(rep=3, nitro=3, gen=6)), "rep/(nitro*gen)", "nitro*gen")
    assert skeleton(found) == {
        "rep": (2, 2),
        "nitro[rep]": (6, 2, 4),
        "gen[rep]": (15, 5, 10),
        "nitro#gen[rep]": (30, 10, 20),
    }


def test_oracle_09_repeated_latin_square():
    """2 occasions, 4 drivers of each, the same 4 cars: dae, DesignNotes 2.4."""
    columns = factorial(occasion=2, driver=4, car=4)
    table = unit_table(with_column(columns, "additive", lambda occasion, driver, car: (occasion + driver + car) % 4))
    assert skeleton(anatomy(table, "(occasion/driver)*car", "additive")) == {
        "occasion": (1, 1),
        "car": (3, 3),
        "driver[occasion]": (6, 6),
        "occasion#car": (3, 3),
        "driver#car[occasion]": (18, 3, 15),
    }


def test_oracle_10_balanced_incomplete_blocks_of_wheat():
    """6 treatments, 10 blocks of 3: dae, DesignNotes 3.2, Joshi 1987. Efficiency λt/rk = 0.8."""
    blocks = [block for i in range(5) for block in ((5, i, (i + 2) % 5), (i, (i + 1) % 5, (i + 2) % 5))]
    found = anatomy(in_blocks(blocks), "block", "treatment")
    assert skeleton(found) == {"block": (9, 5, 4), "within": (20, 5, 15)}
    assert efficiencies(found, "treatment") == {"block": [0.2] * 5, "within": [0.8] * 5}


def test_oracle_11_balanced_incomplete_blocks_of_10():
    """10 treatments, 15 blocks of 4: dae, testCanon. Here the edges, and the 4-cycles, of a complete graph of 5."""
    edges = {edge: place for place, edge in enumerate(combinations(range(5), 2))}
    cycles = [
        [edges[tuple(sorted(pair))] for pair in ((a, b), (b, c), (c, d), (a, d))]
        for one, *others in combinations(range(5), 4)
        for a, b, c, d in (
            (one, *others),
            (one, others[1], others[0], others[2]),
            (one, others[0], others[2], others[1]),
        )
    ]
    found = anatomy(in_blocks(cycles), "block", "treatment")
    assert skeleton(found) == {"block": (14, 9, 5), "within": (45, 9, 36)}
    assert efficiencies(found, "treatment") == {"block": [0.1667] * 9, "within": [0.8333] * 9}


def test_oracle_12_balanced_incomplete_blocks_of_13():
    """13 treatments, 13 blocks of 4, a projective plane: agridat, cochran.bib."""
    found = anatomy(in_blocks([[(i + d) % 13 for d in (0, 1, 3, 9)] for i in range(13)]), "block", "treatment")
    assert skeleton(found) == {"block": (12, 12, 0), "within": (39, 12, 27)}
    assert efficiencies(found, "treatment") == {"block": [0.1875] * 12, "within": [0.8125] * 12}


def test_oracle_13_partially_balanced_incomplete_blocks():
    """6 treatments, 6 blocks of 4: Cochran and Cox 1957, page 379; dae, testCanon."""
    blocks = [(1, 4, 2, 5), (2, 5, 3, 6), (3, 6, 1, 4)] * 2
    found = anatomy(in_blocks(blocks), "block", "treatment")
    assert skeleton(found) == {"block": (5, 2, 3), "within": (18, 5, 13)}
    assert efficiencies(found, "treatment") == {"block": [0.25] * 2, "within": [0.75] * 2 + [1.0] * 3}
    assert found.stratum("within").source("treatment").a_efficiency == pytest.approx(0.8824, abs=5e-5)


def test_oracle_14_alpha_design():
    """24 genotypes, 3 replicates, 18 blocks: John and Williams 1995, page 146; agridat, john.alpha."""
    found = anatomy(alpha_design(), "replicate/block", "genotype")
    assert skeleton(found) == {"replicate": (2, 2), "block[replicate]": (15, 15, 0), "within": (54, 23, 31)}
    assert found.stratum("block[replicate]").source("genotype").a_efficiency == pytest.approx(0.2412, abs=5e-5)
    assert found.stratum("within").source("genotype").a_efficiency == pytest.approx(0.7265, abs=5e-5)


def test_oracle_15_burnt_areas_are_pseudoreplicated():
    """2 areas of 30 locations, one of them burnt: dae, DesignNotes 4.1."""
    table = unit_table(with_column(factorial(area=2, location=30), "burn", lambda area, location: area == 1))
    found = anatomy(table, "area/location", "burn")
    assert skeleton(found) == {"area": (1, 1, 0), "location[area]": (58, 58)}
    assert efficiencies(found, "burn") == {"area": [1.0]}
    assert found.notes == ("No degree of freedom is left in area to judge burn by: there is no replication.",)
    assert not replication(table, "burn", "area/location").testable


def test_oracle_16_pseudoreplicated_nitrogen():
    """The same blocks of 24 varieties in 3 areas, nitrogen on areas: dae, testCanon."""
    columns = factorial(area=3, block=3, plot=24)
    table = unit_table({**columns, "nitrogen": columns["area"], "variety": columns["plot"]})
    found = anatomy(table, "area*(block/plot)", "nitrogen*variety")
    assert skeleton(found) == {
        "area": (2, 2, 0),
        "block": (2, 2),
        "area#block": (4, 4),
        "plot[block]": (69, 23, 46),
        "area#plot[block]": (138, 46, 92),
    }


def test_oracle_17_an_interaction_lies_between_the_blocks_of_npk():
    """2³ in 6 blocks of 4: Venables and Ripley 2002, page 165; MASS, npk."""
    found = anatomy(published("MASS", "npk", "block N P K"), "block", "N*P*K")
    assert skeleton(found) == {"block": (5, 1, 4), "within": (18, 1, 1, 1, 1, 1, 1, 12)}
    assert efficiencies(found, "N:P:K") == {"block": [1.0]}


def test_oracle_18_half_fraction_of_concrete():
    """2⁵⁻¹ in 16 runs: hassediagrams, concrete."""
    names = ("AG", "CoT", "AC", "CC", "CuT")
    runs = [run for run in product((-1, 1), repeat=5) if np.prod(run) == 1]
    table = unit_table({name: [run[place] for run in runs] for place, name in enumerate(names)})
    found = defining_relation(table)
    assert (found.words, found.resolution) == ((names,), 5)
    assert found.aliases(["AG"]) == (("CoT", "AC", "CC", "CuT"),)
    flipped = UnitTable(names, table.codes ^ np.array([1, 0, 0, 0, 0]), table.levels)
    assert defining_relation(flipped).words == (names,)
    pairs = balance(table).pairs
    assert len(pairs) == 10
    assert all(pair.complete and pair.orthogonal and pair.balanced and pair.n_components == 1 for pair in pairs)


def test_oracle_19_cross_over_of_dental_patients():
    """24 subjects in 6 sequences of 3 periods: hassediagrams, dental."""
    orders = list(product(range(3), repeat=3))
    orders = [order for order in orders if len(set(order)) == 3]
    columns = factorial(sequence=6, subject=4, period=3)
    table = unit_table(
        with_column(columns, "treatment", lambda sequence, subject, period: orders[sequence - 1][period - 1])
    )
    assert skeleton(anatomy(table, "(sequence/subject)*period", "treatment")) == {
        "sequence": (5, 5),
        "period": (2, 2),
        "subject[sequence]": (18, 18),
        "sequence#period": (10, 2, 8),
        "subject#period[sequence]": (36, 36),
    }


def test_oracle_20_unbalanced_nesting():
    """3, 6 and 4 units in A: dae, testNestedFacs."""
    table = unit_table({"A": [*"aaabbbbbbcccc"], "B": [*"1231234561234"]})
    found = anatomy(table, "A/B")
    assert skeleton(found) == {"A": (2, 2), "B[A]": (10, 10)}
    assert found.stratum("B[A]").df_by_nesting == {"a": 2, "b": 5, "c": 3}


PURITY = [1, -1, 0, -2, -3, -4, -2, 0, 1, 1, 4, 0, 1, -2, -3, 0, 4, 2, -1, 0, -2, 0, 3, 2, 2, 4, 0, -2, 0, 2, 1, -1, 2]
PURITY += [3, 2, 1]


def test_oracle_21_batches_of_suppliers():
    """3 suppliers, 4 batches of each, 3 determinations: Montgomery, Design and Analysis of Experiments, table 14.3."""
    from scipy.stats import f

    table = unit_table({key: value for key, value in factorial(supplier=3, batch=4, run=3).items() if key != "run"})
    expected = expected_mean_squares(table, "supplier/batch", ["batch"])
    assert [row.in_words() for row in expected.rows] == [
        "σ²(residual) + 3 σ²(supplier:batch) + 12 Q(supplier)",
        "σ²(residual) + 3 σ²(supplier:batch)",
        "σ²(residual)",
    ]
    rows = analysis_of_variance(table, "supplier/batch", ["batch"], np.array(PURITY, dtype=float))
    assert [round(row.sum_of_squares, 2) for row in rows] == [15.06, 69.92, 63.33]
    assert [row.df for row in rows] == [2, 9, 24]
    assert [round(row.f, 2) for row in rows[:2]] == [0.97, 2.94]
    assert [round(f.sf(row.f, row.df, row.denominator_df), 3) for row in rows[:2]] == [0.416, 0.017]


def test_oracle_22_three_stages_of_nesting():
    """A = 2, b = 3, c = 2, n = 2: Penn State STAT 503, 14.2."""
    table = unit_table({key: value for key, value in factorial(a=2, b=3, c=2, n=2).items() if key != "n"})
    expected = expected_mean_squares(table, "a/b/c", ["a", "b", "c"])
    assert [row.df for row in expected.rows] == [1, 4, 6, 12]
    assert [row.denominator.parts for row in expected.rows[:3]] == [
        (("a:b", 1.0),),
        (("a:b:c", 1.0),),
        (("residual", 1.0),),
    ]


def test_oracle_23_fully_nested_furnace():
    """4 plants > 4 operators > 4 shifts > 3 batches: Minitab, Fully Nested ANOVA; a response made of its squares."""
    columns = factorial(plant=4, operator=4, shift=4, batch=3)
    del columns["batch"]
    table = unit_table(columns)
    terms = "plant/operator/shift"
    printed = {"plant": 731.5156, "plant:operator": 499.8125, "plant:operator:shift": 1534.9167, "residual": 1588.0}
    response = with_sums_of_squares(table, printed)
    expected = expected_mean_squares(table, terms, ["plant", "operator", "shift"])
    assert list(expected.row("plant").components.values()) == [48, 12, 3, 1]
    rows = analysis_of_variance(table, terms, ["plant", "operator", "shift"], response)
    assert [row.df for row in rows] == [3, 12, 48, 128]
    assert [round(row.f, 3) for row in rows[:3]] == [5.854, 1.303, 2.578]
    assert [round(row.component, 3) for row in rows] == [4.212, 0.806, 6.524, 12.406]


def with_sums_of_squares(table, printed):
    """Make a response whose nested sums of squares are the printed ones, from noise and averages of it."""
    noise = np.random.default_rng(0).normal(size=table.n_units)
    response, coarser = np.zeros(table.n_units), np.full(table.n_units, noise.mean())
    for term, squares in printed.items():
        codes = np.arange(table.n_units) if term == "residual" else table.cells(term.split(":"))
        averages = (np.bincount(codes, noise) / np.bincount(codes))[codes]
        part, coarser = averages - coarser, averages
        response += part * (squares / (part**2).sum()) ** 0.5
    return response


def test_oracle_24_machines_are_judged_by_machines_times_workers():
    """3 machines fixed, 6 workers random, 3 runs: nlme, Machines; Oehlert 2000, rules of chapter 12."""
    expected = expected_mean_squares(published("nlme", "Machines", "Machine Worker"), "Machine*Worker", ["Worker"])
    assert [row.df for row in expected.rows] == [2, 5, 10, 36]
    machine = expected.row("Machine")
    assert (machine.fixed, machine.denominator.parts) == (18, (("Machine:Worker", 1.0),))
    assert expected.row("Worker").components == {"Worker": 9, "Machine:Worker": 3, "residual": 1}


def test_oracle_25_cakes():
    """15 replicates, 3 recipes, 6 temperatures: Cochran and Cox 1957, page 300; lme4, cake."""
    table = published("lme4", "cake", "replicate recipe temperature")
    assert skeleton(anatomy(table, "replicate/recipe", "recipe*temperature")) == {
        "replicate": (14, 14),
        "recipe[replicate]": (30, 2, 28),
        "within": (225, 5, 10, 210),
    }


def test_oracle_26_pastes():
    """10 batches of 3 casks, 2 assays: lme4, Pastes. A sample is a cask of a batch, and a label of a cask is not."""
    table = published("lme4", "Pastes", "batch cask sample")
    assert skeleton(anatomy(table, "batch + sample")) == {"batch": (9, 9), "sample": (20, 20), "within": (30, 30)}
    by_labels = {"batch": (9, 9), "cask[batch]": (20, 20), "within": (30, 30)}
    assert skeleton(anatomy(table, "batch/cask")) == by_labels
    assert skeleton(anatomy(table, "batch + cask")) == {"batch": (9, 9), "cask": (2, 2), "within": (48, 48)}
    assert lattice(table).element("sample").same_as == ("batch∧cask",)


def test_oracle_27_penicillin():
    """24 plates, 6 samples: lme4, Penicillin."""
    found = anatomy(published("lme4", "Penicillin", "plate sample"), "plate + sample")
    assert skeleton(found) == {"plate": (23, 23), "sample": (5, 5), "within": (115, 115)}


def vignette(batch, condition):
    return unit_table({"batch": [*batch], "condition": [*condition]})


def test_oracle_28_batch_and_condition_are_the_same():
    """DESeq2 vignette, Model matrix not full rank."""
    table = vignette("1122", "AABB")
    found = model_rank(table, "batch + condition")
    assert (found.rank, found.n_coefficients) == (2, 3)
    assert effect(table, "condition", "batch").explanations == ("condition B − A is the same as batch 2 − 1",)


def test_oracle_29_condition_nested_in_batch():
    """DESeq2 vignette, Model matrix not full rank."""
    table = vignette("111122", "AABBCC")
    found = model_rank(table, "batch + condition")
    assert (found.rank, found.n_coefficients) == (3, 4)
    condition = effect(table, "condition", "batch")
    assert (condition.lost, condition.comparable) == (1, (("A", "B"), ("C",)))
    assert condition.can_compare("B", "A")
    assert comparison(table, "condition", "B", "A", "batch").estimable
    lost = comparison(table, "condition", "C", "A", "batch")
    assert (lost.estimable, lost.because) == (False, "condition C − A cannot be told from batch 2 − 1")


def test_oracle_30_condition_crossed_with_batch():
    """DESeq2 vignette, Model matrix not full rank."""
    table = vignette("111222", "ABCABC")
    found = model_rank(table, "batch + condition")
    assert (found.rank, found.n_coefficients, found.full) == (4, 4, True)
    assert balance(table).orthogonal
    assert effect(table, "condition", "batch").estimable


def test_oracle_31_individuals_nested_in_groups():
    """DESeq2 vignette, Group-specific condition effects, individuals nested within groups."""
    columns = {key: [*values] for key, values in factorial(grp=2, ind_n=3, cnd=2).items()}
    table = unit_table(with_column(columns, "ind", lambda grp, ind_n, cnd: 3 * grp + ind_n))
    deficient, full = model_rank(table, "ind + grp*cnd"), model_rank(table, "grp + grp:ind_n + grp:cnd")
    assert (deficient.rank, deficient.n_coefficients) == (8, 9)
    assert (full.rank, full.n_coefficients) == (8, 8)


def test_oracle_32_power_of_t():
    """R, power.t.test, upper tail only and strict; statsmodels."""
    assert t_power(two_sample(20, 20), 1, both_tails=False) == pytest.approx(0.8689528, abs=5e-8)
    assert t_power(two_sample(20, 20), 1) == pytest.approx(0.8689530, abs=5e-8)
    assert t_sample_size(1, power=0.9, both_tails=False) == pytest.approx(22.0211, abs=5e-5)


def test_oracle_33_power_of_one_way_analysis():
    """R, power.anova.test: 4 groups, variance 1 between and 3 within."""
    assert f_power(4, 5, between=1, within=3) == pytest.approx(0.35356, abs=5e-6)
    assert f_sample_size(4, between=1, within=3, power=0.8) == pytest.approx(11.926, abs=5e-4)
