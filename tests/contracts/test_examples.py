"""The examples of the API document are played in their order against the real thing, and come out as written."""

from datetime import datetime

import pytest

from api.spec_examples import read_examples
from cli.spec import DOCUMENT, generated
from tests.contracts.answers import Answers
from tests.contracts.conftest import OpenProvince
from tests.contracts.stories import Story

PROMISED = (
    *("issue_token", "read_matter", "file_report", "read_report", "read_case", "refer", "list_referrals"),
    *("read_referral", "take_referral_step", "list_results", "adopt_result", "read_timeline", "read_feed"),
    "register_webhook_endpoint",
)


async def test_the_main_job_happens_as_the_examples_tell_it(open_province: OpenProvince, answers: Answers) -> None:
    province = await open_province("examples")
    examples = read_examples()
    now = [datetime.fromisoformat(examples[0][1]["at"])]
    async with province.calling(clock=lambda: now[0]) as http:
        story = Story(http, province.agencies, _paths())
        for name, example in examples:
            now[0] = datetime.fromisoformat(example["at"])
            if example["operation"] == "read_feed":
                await province.number_events()
            answer = await story.play(example)
            answers.fit(answer, example["operation"])
            try:
                story.compare(example, answer)
            except AssertionError as fault:
                raise AssertionError(f"openapi/examples/{name}.json: {fault}") from None


def _paths() -> dict[str, tuple[str, str]]:
    return {
        operation["operationId"]: (method.upper(), path)
        for path, item in generated()[DOCUMENT]["paths"].items()
        for method, operation in item.items()
    }


def test_the_examples_tell_the_whole_main_job_in_order() -> None:
    told = list(dict.fromkeys(example["operation"] for _, example in read_examples()))
    assert [operation for operation in told if operation in PROMISED] == list(PROMISED)


def test_the_examples_are_numbered_without_a_gap_as_the_days_go_by() -> None:
    examples = read_examples()
    assert [name.split("-")[0] for name, _ in examples] == [f"{number:02}" for number in range(1, len(examples) + 1)]
    moments = [datetime.fromisoformat(example["at"]) for _, example in examples]
    assert moments == sorted(moments)


@pytest.mark.parametrize(("name", "example"), [pytest.param(*pair, id=pair[0]) for pair in read_examples()])
def test_an_example_fits_the_document_it_stands_in(name: str, example: dict[str, object], answers: Answers) -> None:
    operation = answers.operation(str(example["operation"]))
    request, answer = example["request"], example["answer"]
    assert isinstance(request, dict)
    assert isinstance(answer, dict)
    if answer["status"] < 400 and "body" in request:
        (media,) = operation["requestBody"]["content"].values()
        answers.check(request["body"], media["schema"])
        assert media["examples"][name.replace("-", "_")]["value"] == request["body"]
    assert str(answer["status"]) in operation["responses"]
