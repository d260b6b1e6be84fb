"""Scores as text."""

from ganjax.summary import report_table


def test_a_table_of_scores_marks_those_beyond_real_data():
    report = {
        "samples": 500,
        "inception_score": 8.4,
        "inception_score_real": 8.246,
        "frechet_distance": 0.1,
        "frechet_distance_real": 0.08,
        "nearest_min": 0.1,
        "nearest_min_real": 0.3,
    }
    assert report_table(report).splitlines() == [
        "                   generated   real data",
        "samples                  500",
        "inception_score        8.400       8.246  * above real data's",
        "frechet_distance       0.100       0.080",
        "nearest_min            0.100       0.300  * below real data's",
        "* better than real data's own score: saturated or fooled, not better than real data",
    ]
    plain = report_table({"inception_score": 8.0, "inception_score_real": 8.246})
    assert "*" not in plain
