"""The file of LLMs: what it gives, and that all that is wrong with it is named at once, without a key."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import jsonschema
import pytest

from llmfusionbench import redaction
from llmfusionbench.builders.collecting.endpoint import Endpoint, Price
from llmfusionbench.builders.collecting.llms_file import llms_schema, read_llms_file
from llmfusionbench.errors import InputError

WHOLE = """
defaults:
  url: https://api.example.org/v1
  key_variable: EXAMPLE_KEY
  concurrency: 32
  temperature: 0
llms:
  - name: big
    model: org/big
    requests_per_minute: 500
    tokens_per_minute: 150000.0
    account: ours
    timeout: 300
    retries: 0
    max_tokens: 4096
    max_tokens_field: max_completion_tokens
    temperature: null
    top_p: 0.9
    seed: 7
    stream: true
    extra: {service_tier: flex, stream_options: null}
    modes:
      think: {reasoning_effort: high}
    prices:
      - {since: 2026-03-01, input_price: 2, output_price: 8.5}
      - {input_price: 1, output_price: 4}
    batch_discount: 0.4
    about: {family: big, parameters_b: 70, scale: large, license: MIT, description: A model.}
  - {name: local, model: small, url: "http://localhost:8080", key_variable: null}
"""


def read(tmp_path: Path, text: str) -> list[Endpoint]:
    path = tmp_path / "llms.yaml"
    path.write_text(text, encoding="utf-8")
    return read_llms_file(path)


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    return str(caught.value)


def one(lines: str) -> str:
    """A file with an LLM that has these further fields."""
    return f"llms:\n  - {{name: a, model: m, url: 'http://localhost:1', {lines}}}\n"


def test_all_fields(tmp_path: Path) -> None:
    big, local = read(tmp_path, WHOLE)
    assert big == Endpoint(
        name="big",
        url="https://api.example.org/v1",
        model="org/big",
        key_variable="EXAMPLE_KEY",
        concurrency=32,
        requests_per_minute=500,
        tokens_per_minute=150_000.0,
        account="ours",
        timeout=300,
        retries=0,
        max_tokens=4096,
        max_tokens_field="max_completion_tokens",
        top_p=0.9,
        seed=7,
        stream=True,
        extra={"service_tier": "flex", "stream_options": None},
        modes={"think": {"reasoning_effort": "high"}},
        prices=(Price(input_price=1, output_price=4), Price(input_price=2, output_price=8.5, since=date(2026, 3, 1))),
        batch_discount=0.4,
        about={"family": "big", "parameters_b": 70, "scale": "large", "license": "MIT", "description": "A model."},
    )
    assert local == Endpoint(name="local", url="http://localhost:8080", model="small", concurrency=32, temperature=0)
    assert big.price_on(date(2026, 2, 28)) == Price(input_price=1, output_price=4)


def test_the_schema_is_one_and_has_all_fields() -> None:
    jsonschema.Draft202012Validator.check_schema(llms_schema())
    fields = set(llms_schema()["$defs"]["fields"]["properties"])
    assert fields == set(Endpoint.__dataclass_fields__)
    assert set(llms_schema()["$defs"]["defaults"]["properties"]) == fields - {"name", "model"}


def test_all_issues_at_once_each_with_its_place_and_remedy(tmp_path: Path) -> None:
    text = refused(
        tmp_path,
        "defaults: {name: x}\nllms:\n  - {name: a, url: 'http://h', model: b, tempertaure: 3, concurrency: 0}\n"
        "  - {name: a, model: b, prices: [{since: 2026-13-01, input_price: -1}], timeout: .nan}\n  - 5\n  - {url: 'ftp://h'}\n",
    )
    for part in (
        "issues: ",
        'defaults has no field "name"',
        'llms[0] ("a") has no field "tempertaure" (did you mean temperature?)',
        'llms[0] ("a").concurrency is 0, expected a whole number from 1 to 10000',
        'name "a" is given 2 times, expected once',
        'llms[1] ("a") has no url, expected one here or in defaults',
        'llms[1] ("a").prices[0].input_price is -1, expected USD per million tokens, of at least 0',
        'llms[1] ("a").prices[0] has no output_price',
        'llms[1] ("a") has a price since "2026-13-01", expected a day such as 2026-01-31',
        'llms[1] ("a").timeout is nan, expected a finite number',
        "llms[2] is 5, expected an object with name, url and model",
        "llms[3] has no name and no model",
        'llms[3].url is "ftp://h", expected a URL such as http://localhost:8000/v1',
        "Remedy: correct the file, see docs/llms_file.md",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("api: azur", 'api is "azur", expected openai or azure'),
        ("api: azure", "has api azure but no api_version, expected one such as 2024-10-21, or a url such as https://RESOURCE."),
        ("api_version: 2024-10-21", "has an api_version but not api azure, expected both for Azure's dated API, or neither"),
        ("account: 5", "account is 5, expected a name, which the LLMs that share limits have in common"),
        ('account: "a\\tb"', "has an account with characters that cannot be seen"),
        ("stream: yes", 'stream is "yes", expected true or false'),
        ("retries: 1.5", "retries is 1.5, expected a whole number"),
        ("concurrency: true", "concurrency is true, expected a whole number"),
        ("batch_discount: 2", "batch_discount is 2, expected a number from 0 to 1"),
        ("top_p: -.inf", "top_p is -inf, expected a finite number"),
        ("extra: {n: 3}", "extra is an object, expected fields of a request without messages, n and stream"),
        ("modes: {think: {messages: []}}", "modes.think is an object, expected fields of a request"),
        ("extra: {stop: [.nan]}", "extra.stop[0] is nan, expected a finite number"),
        ('extra: {stop: "\\ud800"}', "extra.stop has half a character"),
        ("extra: {at: !!timestamp 2026-01-01}", "extra.at is date, expected a text, a number"),
        ("prices: [{input_price: 1, output_price: 1}, {input_price: 2, output_price: 1}]", "has 2 prices without since"),
        (
            "prices: [" + ", ".join(["{since: 2026-01-01, input_price: 1, output_price: 1}"] * 2) + "]",
            'has 2 prices since "2026-01-01", expected one',
        ),
        ("about: {size: 3}", 'about has no field "size", expected family'),
    ],
)
def test_single_issues(tmp_path: Path, lines: str, message: str) -> None:
    assert message in refused(tmp_path, one(lines))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (f"prices: [{{input_price: {value}, output_price: 1}}]", f"prices[0].input_price is {shown}, expected a finite number")
        for value, shown in ((".nan", "nan"), (".inf", "inf"), ("-.inf", "-inf"))
    ]
    + [
        (f"prices: [{{since: {day}, input_price: 1, output_price: 1}}]", f'"{day}", expected a day such as 2026-01-31')
        for day in ("2026-13-01", "2026-02-30", "soon", "2026-1-1", "2026-01-01x")
    ]
    + [
        (f"{name}: {value}", f"{name} is {value.replace('.', '')}, expected a finite number")
        for name in ("timeout", "top_p", "batch_discount", "concurrency", "max_tokens", "seed", "requests_per_minute")
        for value in (".nan", ".inf", "-.inf")
    ]
    + [
        ("prices: [{since: 5, input_price: 1, output_price: 1}]", "prices[0].since is 5, expected a day such as 2026-01-31"),
        ("seed: !!timestamp 2026-01-01", "seed is datetime.date(2026, 1, 1), expected a whole number of up to 64 bits"),
        ('account: "\\ud800"', "account has half a character (a lone surrogate), expected a text"),
    ],
)
def test_a_wrong_value_is_one_issue(tmp_path: Path, lines: str, message: str) -> None:
    text = refused(tmp_path, one(lines))
    assert message in text
    assert "issues: " not in text
    assert text.count("expected") == 1


AZURE = "https://r.openai.azure.com"
V1 = f"{AZURE}/openai/v1"


@pytest.mark.parametrize(
    ("url", "settings", "message"),
    [
        (V1, "api: azure, api_version: 2024-10-21", "has the api_version 2024-10-21 and a url of Azure's API v1, expected no"),
        (f"{V1}/chat/completions?api-version=2025-04-01-preview", "api: azure", "has the api_version 2025-04-01-preview and"),
        (f"{AZURE}/v1", "api: azure, api_version: 2024-10-21", "has api azure and a url that ends with /v1, expected the url"),
        (AZURE, "seed: 1", "has a url of Azure's dated API but not api azure, expected api azure, or a url such as"),
        ("https://r.cognitiveservices.azure.com/v1", "seed: 1", "has a url of Azure's dated API but not api azure"),
        (f"{AZURE}/openai/deployments/d?api-version=2024-10-21", "seed: 1", "has a url of Azure's dated API but not api azure"),
    ],
)
def test_the_two_forms_of_azure_do_not_mix(tmp_path: Path, url: str, settings: str, message: str) -> None:
    lines = f"llms: [{{name: a, model: m, url: '{url}', {settings}}}]"
    assert f'llms[0] ("a") {message}' in refused(tmp_path, lines)


@pytest.mark.parametrize(
    ("url", "settings"),
    [
        (V1, "api: openai"),
        (f"{AZURE}/openai", "api: openai"),
        (V1, "api: azure"),
        (V1, "api: azure, api_version: preview"),
        (AZURE, "api: azure, api_version: 2024-10-21"),
        (f"{AZURE}/openai/deployments/d/chat/completions?api-version=2024-10-21", "api: openai"),
        ("https://name.eastus.models.ai.azure.com", "api: openai"),
        ("https://r.services.ai.azure.com/models?api-version=2024-05-01-preview", "api: openai"),
    ],
)
def test_each_form_of_azure_is_taken(tmp_path: Path, url: str, settings: str) -> None:
    (found,) = read(tmp_path, f"llms: [{{name: a, model: m, url: '{url}', {settings}}}]")
    assert found.has_deployments


def test_limits_of_an_account_are_the_same_for_all_its_llms(tmp_path: Path) -> None:
    lines = (
        "defaults: {url: 'http://localhost:1', tokens_per_minute: 900, account: ours}\n"
        "llms: [{name: a, model: m, requests_per_minute: 60}, {name: b, model: m}, {name: c, model: m, account: other}]\n"
    )
    text = refused(tmp_path, lines)
    assert 'the LLMs of account "ours" have the requests_per_minute 60 and none, expected the same for all of them' in text
    assert "tokens_per_minute" not in text
    a, b, c = read(tmp_path, lines.replace("name: b", "name: b, requests_per_minute: 60.0"))
    assert (a.account, b.account, c.account) == ("ours", "ours", "other")


@pytest.mark.parametrize("name", ["''", "' a'", "gpt_think", "5", "null"])
def test_names(tmp_path: Path, name: str) -> None:
    text = refused(tmp_path, f"llms:\n  - {{name: {name}, model: m, url: 'http://localhost:1'}}\n")
    assert "expected a name without white space at its ends, and without a mode such as `_think`" in text


SECRET = "sk-proj-3xamp1eOfAKeyThatNoOneHas"


@pytest.mark.parametrize(
    "text",
    [
        one(f"key_variable: {SECRET}"),
        one(f"api_key: {SECRET}"),
        one(f"key: {SECRET}"),
        one(f"extra: {{user: {SECRET}}}"),
        one(f"extra: {{headers: {{Authorization: Bearer {SECRET}}}}}"),
        one(f"modes: {{think: {{x: [1, {SECRET}]}}}}"),
        f"api_key: {SECRET}\n{one('seed: 1')}",
        f"llms:\n  - {{name: a, model: m, url: 'https://me:{SECRET}@localhost:1'}}\n",
        f"llms:\n  - {{name: a, model: m, url: 'https://localhost:1/v1?api_key={SECRET}'}}\n",
        f"llms:\n  - {{name: a, model: m, url: 'https://me:{SECRET}@x@localhost:1/@'}}\n",
        f"llms: [a: b: {SECRET}]\n",
        f"{SECRET}\n",
    ],
)
def test_a_key_in_the_file_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    redaction._SECRETS = redaction._Secrets()
    shown = refused(tmp_path, text)
    assert SECRET not in shown
    assert "3xamp1e" not in shown


def test_the_remedy_for_a_key_is_its_variable(tmp_path: Path) -> None:
    words = "seems to be a key, which is not shown, expected key_variable with the name of an environment variable"
    assert f'llms[0] ("a").api_key {words}' in refused(tmp_path, one(f"api_key: {SECRET}"))


def test_a_plain_query_of_a_url_is_fine(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "llms: [{name: a, model: m, url: 'https://h.org/v1?api-version=2'}]")
    assert found.url == "https://h.org/v1?api-version=2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is null, expected an object with the list llms"),
        ("[]", "the file is [], expected an object with the list llms"),
        ("llms: []", "llms is [], expected a list of one LLM or more"),
        ("lms: []", 'the file has no field "lms" (did you mean llms?)'),
        ("llms: {a: 1}", "llms is an object, expected a list"),
        ("a: &a [x]\nb: *a", "an alias in line 2"),
        ("a: 1\na: 2", 'the key "a" is given twice'),
        ("[" * 5000, "not a readable YAML file"),
        ("a: !!python/object/apply:os.system [ls]", "not a readable YAML file"),
        ("a: [1", "line"),
        ("# " + "x" * 2_000_000, "more than 1,048,576 characters"),
        ("? [a]\n: 1", "not a readable YAML file"),
        ("a: \x00", "not a readable YAML file"),
    ],
)
def test_other_files(tmp_path: Path, text: str, message: str) -> None:
    assert message in refused(tmp_path, text)


def test_files_that_are_not_there_or_not_utf_8(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a readable YAML file"):
        read_llms_file(tmp_path / "none.yaml")
    (tmp_path / "odd.yaml").write_bytes(b"a: \xff")
    with pytest.raises(InputError, match="not a readable YAML file"):
        read_llms_file(tmp_path / "odd.yaml")


def test_a_file_full_of_faults_is_not_read_for_ever(tmp_path: Path) -> None:
    text = refused(tmp_path, "llms:\n" + "- {tempertaure: 1}\n" * 4_000)
    assert "; and 647 more" in text
    assert len(text) < 20_000


def test_numbers_as_people_write_them(tmp_path: Path) -> None:
    """`1.5e5` is a number in YAML 1.2, and a whole number may have a point; all are whole numbers in the end."""
    (found,) = read(tmp_path, one("tokens_per_minute: 1.5e5, requests_per_minute: 1e3, concurrency: 8.0, seed: 3.0"))
    assert (found.tokens_per_minute, found.requests_per_minute) == (150_000, 1000)
    assert [type(value) for value in (found.concurrency, found.seed)] == [int, int]
    (found,) = read(tmp_path, one("max_tokens: 1e3, retries: 1e1, extra: {top_k: 5e1, stop: '1e5', user: 1e, top_a: .5E-1}"))
    assert (found.max_tokens, found.retries, type(found.max_tokens), type(found.retries)) == (1000, 10, int, int)
    assert found.extra == {"top_k": 50.0, "stop": "1e5", "user": "1e", "top_a": 0.05}
    assert "concurrency is 8.5, expected a whole number" in refused(tmp_path, one("concurrency: 8.5"))
    assert "timeout is inf, expected" in refused(tmp_path, one("timeout: 1e999"))


def test_what_is_expected_stands_once(tmp_path: Path) -> None:
    said = refused(tmp_path, one("what: 1, who: 2, tempertaure: 0, prices: [{input_price: 1, output_price: 1, day: 3}]"))
    assert 'has no field "tempertaure" (did you mean temperature?);' in said
    assert 'has no fields "what", "who", expected those in docs/llms_file.md' in said
    assert 'prices[0] has no field "day", expected since, input_price, output_price' in said
    many = refused(tmp_path, one(", ".join(f"field{i}: 1" for i in range(500))))
    assert 'has no fields "field0", "field1", "field2", "field3", "field4", "field5" and 494 more, expected those in' in many
    assert len(many) < 400


@pytest.mark.parametrize("name", ["a\\n", "a\\u202eb", "\\x1b[2Ka"])
def test_names_can_be_seen(tmp_path: Path, name: str) -> None:
    assert "has a name with characters that cannot be seen" in refused(
        tmp_path, f'llms:\n  - {{name: "{name}", url: "http://localhost", model: m}}'
    )
    assert "has a model with characters that cannot be seen" in refused(
        tmp_path, f'llms:\n  - {{name: a, url: "http://localhost", model: "{name}"}}'
    )


def test_a_url_has_no_white_space_and_a_mode_has_a_name_of_a_mode(tmp_path: Path) -> None:
    assert "expected a URL such as" in refused(tmp_path, 'llms: [{name: a, model: m, url: "http://localhost/v1 x"}]')
    assert 'has the mode "High!", expected a short name in small letters' in refused(tmp_path, one("modes: {High!: {a: 1}}"))


def test_an_endpoint_shows_no_secret() -> None:
    found = Endpoint(
        name="a", url="https://ann:hunter2hunter2@example.org/v1?code=verysecret1", model="m", extra={"note": "hidden-word"}
    )
    assert repr(found) == "Endpoint('a', 'https://example.org/v1', model='m')"
    assert "hunter2" not in repr([found])


@pytest.mark.parametrize(
    ("url", "api", "has"),
    [
        ("https://a.openai.azure.com/openai/v1", "openai", True),
        ("https://a.services.ai.azure.com/models", "openai", True),
        ("http://localhost:9", "azure", True),
        ("https://a.openai.azure.us/openai/v1", "openai", True),
        ("https://a.openai.azure.cn/openai/v1", "openai", True),
        ("https://api.openai.com/v1", "openai", False),
        ("https://azure.com.example.org/v1", "openai", False),
    ],
)
def test_servers_of_azure_have_deployments(url: str, api: str, has: bool) -> None:
    """Their names are not those of models, so that another name in an answer is no sign of another model."""
    assert Endpoint(name="a", url=url, model="m", api=api).has_deployments is has
