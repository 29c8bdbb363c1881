"""Hidden tests: the same lines in the solution and in a submission, and what is said of the values that came."""

import json
import math

import numpy as np
import pytest
import torch

from minigan.course import hidden


@pytest.fixture
def sent(monkeypatch):
    """What `given` and `probe` send."""
    messages: list[dict] = []
    monkeypatch.setattr(hidden, "_send", messages.append)
    return messages


def solution(monkeypatch, seed="5"):
    monkeypatch.setenv(hidden.SEED, seed)


def submission(monkeypatch, tmp_path, sent):
    """Give a submission the inputs that the solution has sent, and forget what was sent."""
    path = tmp_path / "given.json"
    path.write_text(json.dumps({message["given"]: message["value"] for message in sent if "given" in message}))
    monkeypatch.delenv(hidden.SEED)
    monkeypatch.setenv(hidden.GIVEN, str(path))
    sent.clear()


VALUES = [
    torch.tensor([[1.5, -2.0], [math.inf, 0.25]]),
    torch.tensor([3, 4]),
    torch.tensor([True, False]),
    torch.tensor(2.0),
    3,
    0.1,
    True,
    None,
    "a text",
    [1, [2.5, "x"], torch.zeros(0)],
]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_a_value_survives_the_way(value):
    back = hidden.unpack(json.loads(json.dumps(hidden.pack(value))), tensors=True)
    assert str(back) == str(value)
    assert type(back) is type(value)


def test_tensors_of_other_kinds_come_as_floats():
    assert hidden.unpack(hidden.pack(torch.ones(2, dtype=torch.bfloat16))).dtype == np.float32
    assert math.isnan(hidden.unpack(hidden.pack(math.nan)))


@pytest.mark.parametrize("value", [object(), {"a": 1}, lambda: 1, {1, 2}])
def test_what_is_no_value_cannot_be_sent(value):
    with pytest.raises(TypeError, match="cannot send"):
        hidden.pack(value)


def test_a_submission_gets_the_inputs_of_the_solution_and_neither_seed_nor_truth(monkeypatch, tmp_path, sent):
    def run():
        x, scale = hidden.given("x", lambda g: (torch.randn(3, generator=g), 2.0))
        hidden.probe("twice", x * scale)
        hidden.probe("near", x, truth=lambda: x + 0.01, within=0.1, mean_square=True)
        return x

    solution(monkeypatch)
    of_solution, expected = run(), list(sent)
    submission(monkeypatch, tmp_path, sent)
    assert torch.equal(run(), of_solution)
    assert sent == [
        {"probe": "twice", "value": hidden.pack(2 * of_solution)},
        {"probe": "near", "value": hidden.pack(of_solution)},
    ]
    assert [hidden.complaint(e, m["value"]) for e, m in zip(expected[1:], sent, strict=True)] == ["", ""]


def test_in_a_submission_nothing_makes_inputs(monkeypatch, tmp_path, sent):
    solution(monkeypatch)
    hidden.given("x", lambda g: 1)
    submission(monkeypatch, tmp_path, sent)
    assert hidden.given("x", lambda g: pytest.fail("called")) == 1
    with pytest.raises(KeyError):
        hidden.given("y", lambda g: 1)


def test_inputs_follow_the_seed_and_the_name(monkeypatch, sent):
    def draw(name):
        return float(hidden.given(name, lambda g: torch.rand(1, generator=g)))

    solution(monkeypatch, "5")
    five = draw("a")
    assert draw("a") == five
    assert draw("b") != five
    solution(monkeypatch, "6")
    assert draw("a") != five


def test_an_author_sends_nothing(sent):
    assert hidden.given("x", lambda g: 4) == 4
    hidden.probe("x", 4)
    assert sent == []


def expected(value, **rule):
    return {"probe": "p", "value": hidden.pack(value), "within": 1e-4, "mean_square": False} | rule


@pytest.mark.parametrize(
    ("wanted", "came"),
    [
        (1.0, 1.00005),
        (1.0, torch.tensor(1.0)),
        (torch.tensor([1.0, 2.0]), [1, 2]),
        ([1, 2], torch.tensor([1.0, 2.0])),
        (math.nan, math.nan),
        ("a", "a"),
        (None, None),
        ([torch.zeros(2), "x"], [torch.zeros(2), "x"]),
    ],
)
def test_values_that_agree(wanted, came):
    assert hidden.complaint(expected(wanted), hidden.pack(came)) == ""


@pytest.mark.parametrize(
    ("wanted", "came", "said"),
    [
        (1.0, 1.001, "another value"),
        (1.0, math.nan, "another value"),
        (1.0, None, "got no numbers"),
        (1.0, "1.0", "got no numbers"),
        (torch.zeros(2), torch.zeros(3), "expected numbers of shape (2,), got (3,)"),
        (torch.zeros(2), torch.zeros(2, 1), "expected numbers of shape (2,), got (2, 1)"),
        ("a", "b", "another value"),
        (None, 0, "another value"),
        ([1, "x"], [1], "expected 2 values, got 1"),
        ([1, "x"], [1, "y"], "another value"),
    ],
)
def test_values_that_differ(wanted, came, said):
    assert said in hidden.complaint(expected(wanted), hidden.pack(came))


@pytest.mark.parametrize(
    "came",
    [
        {"kind": "object", "array": "", "shape": [1]},
        {"kind": "float32", "array": "%%%", "shape": [1]},
        {"kind": "float32", "array": "AAAA", "shape": [1]},
        {"kind": "float32", "array": "AAAAAA==", "shape": [2]},
        {"kind": "float32", "array": "AAAAAA==", "shape": "x"},
        {"kind": "float32"},
        {"number": "x"},
        {},
        object(),
    ],
)
def test_whatever_comes_is_only_data(came):
    assert hidden.complaint(expected(torch.zeros(1)), came) == "not a value that can be compared"


def test_near_the_truth_is_enough_where_that_is_asked():
    rule = expected(torch.zeros(4), within=0.01, mean_square=True)
    assert hidden.complaint(rule, hidden.pack(torch.full((4,), 0.09))) == ""
    assert "is 0.0121, expected 0.01 at most" in hidden.complaint(rule, hidden.pack(torch.full((4,), 0.11)))
    assert "nan" in hidden.complaint(rule, hidden.pack(torch.full((4,), math.nan)))
    assert "shape" in hidden.complaint(rule, hidden.pack(torch.zeros(3)))


def test_messages_are_found_among_outputs():
    outputs = [
        {"output_type": "stream", "text": "hello"},
        {"output_type": "display_data", "data": {hidden.MIME: {"probe": "x", "value": 1}}},
        {"output_type": "display_data", "data": {hidden.MIME: "no message"}},
    ]
    assert hidden.messages(outputs) == [{"probe": "x", "value": 1}]
