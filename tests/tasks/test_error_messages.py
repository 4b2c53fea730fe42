"""What a user reads after each of the common mistakes in a search for wrong steps."""

from __future__ import annotations

import json

import pytest

from simlearn.train import main

BEGUN = {".lock", "config.yaml", "recipe.yaml", "environment.json"}
"""All that is there where nothing was drawn."""
SERVER = ("endpoint.base_url=http://127.0.0.1:1/v1", "endpoint.model=m")
SMALL = ("trainer=cpu", "trainer.threads=1", "logger.tensorboard=false", "evaluation.bootstrap=5")
DRAWN = ("data.n=2",)
SECRET = "sk-pr0jAbcdefghij0123456789"


@pytest.fixture
def answer(tmp_path, capsys, monkeypatch):
    """Run by the command line; give (exit code, standard error). Nothing may be asked."""

    def asked(*_args, **_kwargs):
        raise AssertionError("a prompt was sent")

    monkeypatch.setattr("simlearn.tasks.error_steps.ask_all", asked)
    monkeypatch.delenv("SIMLEARN_TEST_UNSET", raising=False)

    def ask(*words, recipe="error_radar"):
        code = main([f"recipe={recipe}", f"run_dir={tmp_path / 'run'}", *words])
        return code, capsys.readouterr().err

    return ask


def unknown(key, near, word):
    return (
        f"override '{word}': unknown key '{key}'. Did you mean '{near}'? OpenAIServer takes: "
        "backoff_s, base_url, concurrency, dry_run, extra, image_detail, key_env, max_cost, "
        "max_tokens, model, price_in, price_out, retries, seed, temperature, timeout_s, weights\n"
    )


LOCAL = (
    "endpoint (LocalModel) asks a model in this process: add model=pretrained model.path=FOLDER, "
    "or model=tiny_shipped\n"
)
ELSEWHERE = "is asked by endpoint=local alone, and endpoint is"
MASKS = (
    "evaluation.neurons masks neurons of a model in this process, and endpoint is {}: use "
    "endpoint=local model=pretrained model.path=FOLDER\n"
)
DATA = "use data=error_problems, or error_records with data.path=FILE\n"
BEFORE_THE_FOLDER = [
    # the endpoint
    (["endpoint=none"], "endpoint: no option is chosen; add endpoint=OPTION\n"),
    (
        [*SERVER, "endpoint.concurency=2"],
        unknown("endpoint.concurency", "endpoint.concurrency", "endpoint.concurency=2"),
    ),
    ([*SERVER, "endpoint.weights=opne"], "'endpoint.weights': expected one of 'open', 'closed'"),
    (
        [*SERVER, "endpoint.concurrency=0"],
        "endpoint (OpenAIServer): endpoint.concurrency is 0, must be a whole number from 1 to "
        "256\n",
    ),
    (
        [*SERVER, "endpoint.max_cost=2"],
        "endpoint (OpenAIServer): endpoint.max_cost is 2 without prices: set endpoint.price_in and "
        "endpoint.price_out, of a million tokens\n",
    ),
    (
        [*SERVER, "endpoint.price_in=2"],
        "endpoint (OpenAIServer): endpoint.price_out is null: give both prices or neither\n",
    ),
    (
        [*SERVER, "endpoint.base_url=127.0.0.1:8000/v1"],
        "endpoint (OpenAIServer): endpoint.base_url is no address with http:// or https://, must "
        "be like http://127.0.0.1:8000/v1\n",
    ),
    (
        ["endpoint=replay"],
        "'endpoint.responses' is missing; Replay needs it (a path): add endpoint.responses=VALUE\n",
    ),
    # the model
    (["endpoint=local"], LOCAL),
    (
        [*SERVER, "model=tiny_shipped"],
        f"model (TinyShipped) {ELSEWHERE} OpenAIServer: use model=none, or endpoint=local\n",
    ),
    (
        [*SERVER, "model=pretrained", "model.path=x"],
        f"model (Pretrained) {ELSEWHERE} OpenAIServer: use model=none, or endpoint=local\n",
    ),
    (
        ["endpoint=replay", "endpoint.responses=x", "model=tiny_shipped"],
        f"model (TinyShipped) {ELSEWHERE} Replay: use model=none, or endpoint=local\n",
    ),
    (
        ["endpoint=local", "model=tiny_llava"],
        "model (TinyLlava) does not belong to task=error_steps: use model=tiny_shipped, or "
        "pretrained with model.path=FOLDER\n",
    ),
    (["endpoint=local", "model=pretrained"], "'model.path' is missing; Pretrained needs it"),
    # masks
    ([*SERVER, "evaluation.neurons=x"], MASKS.format("OpenAIServer")),
    (
        ["endpoint=replay", "endpoint.responses=x", "evaluation.neurons=x"],
        MASKS.format("Replay"),
    ),
    # data and evaluation of another task
    ([*SERVER, "data=easy_vqa"], f"data (EasyVQA) does not belong to task=error_steps: {DATA}"),
    ([*SERVER, "data=digits"], f"data (Digits) does not belong to task=error_steps: {DATA}"),
    (
        [*SERVER, "data=error_questions"],
        f"data (ErrorQuestions) does not belong to task=error_steps: {DATA}",
    ),
    (
        [*SERVER, "data=error_records"],
        "'data.path' is missing; ErrorRecords needs it (a path): add data.path=VALUE\n",
    ),
    (
        [*SERVER, "evaluation=answers"],
        "evaluation (QuestionAnswering) does not belong to task=error_steps: use "
        "evaluation=error_radar\n",
    ),
    (
        [*SERVER, "evaluation=neuron_masks"],
        "evaluation (NeuronMasks) does not belong to task=error_steps: use "
        "evaluation=error_radar\n",
    ),
    # groups that do not belong here
    (
        [*SERVER, "loss=triplet"],
        "loss (TripletLoss) does not belong to task=error_steps: use loss=none\n",
    ),
    (
        [*SERVER, "optimizer=adamw"],
        "optimizer (AdamW) does not belong to task=error_steps: use optimizer=none\n",
    ),
    (
        [*SERVER, "backbone=c3d"],
        "backbone (C3D) does not belong to task=error_steps: use backbone=none\n",
    ),
    # how is asked
    (
        [*SERVER, "evaluation.ask=foo"],
        "override 'evaluation.ask=foo': 'evaluation.ask': expected one of 'joint', 'separate', "
        "'step', 'category', found the text 'foo'.\n",
    ),
    (
        [*SERVER, "evaluation.tell_step=true"],
        "evaluation (ErrorRadar): evaluation.tell_step=true and evaluation.ask=joint: the wrong "
        "step can be told only where the category is asked for alone; use "
        "evaluation.ask=separate\n",
    ),
    (
        [*SERVER, "evaluation.missing=2"],
        "evaluation (ErrorRadar): evaluation.missing is 2.0, must be a share in [0, 1]\n",
    ),
    (
        [*SERVER, "evaluation.controls=0"],
        "evaluation (ErrorRadar): evaluation.controls is 0, must be at least 1\n",
    ),
    (
        [*SERVER, "data.n=0"],
        "data (SyntheticProblems): data.n is 0, must be at least 1\n",
    ),
    (
        [*SERVER, "task=metric"],
        "endpoint (OpenAIServer) belongs to task=error_steps: use endpoint=none\n",
    ),
]


@pytest.mark.parametrize(("more", "text"), BEFORE_THE_FOLDER, ids=lambda x: str(x)[:50])
def test_told_before_anything_is_made(more, text, answer, tmp_path):
    code, told = answer(*more)
    assert code == 2, told
    assert text in told
    if text.endswith("\n") and not text.startswith("'"):
        assert told == text  # nothing else is said
    assert not (tmp_path / "run").exists()


def test_a_server_without_address_and_model(answer, tmp_path):
    code, told = answer()
    assert code == 2 and not (tmp_path / "run").exists()
    one, two = told.splitlines()
    assert one.endswith(
        "'endpoint.base_url' is missing; OpenAIServer needs it (text): add endpoint.base_url=VALUE"
    )
    assert two.endswith(
        "'endpoint.model' is missing; OpenAIServer needs it (text): add endpoint.model=VALUE"
    )


def test_an_endpoint_that_there_is_not(answer, tmp_path):
    code, told = answer("endpoint=opneai", *SERVER)
    assert code == 2 and not (tmp_path / "run").exists()
    assert (
        "override 'endpoint=opneai': 'endpoint' has no option 'opneai'. Did you mean 'openai'? "
        "Options: local, openai, replay\n"
    ) in told


@pytest.mark.parametrize(
    ("recipe", "text"),
    [
        ("quickstart", "endpoint (LocalModel) belongs to task=error_steps: use endpoint=none\n"),
        (
            "incremental_quickstart",
            "endpoint (LocalModel) belongs to task=error_steps: use endpoint=none\n",
        ),
        (
            "tiny_mllm",
            "endpoint (LocalModel) does not belong to task=language: use endpoint=none\n",
        ),
        (
            "miner_tiny",
            "endpoint (LocalModel) does not belong to task=neurons: use endpoint=none\n",
        ),
    ],
)
def test_an_endpoint_where_none_belongs(recipe, text, answer, tmp_path):
    code, told = answer("endpoint=local", recipe=recipe)
    assert (code, told) == (2, text)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "word",
    [f"endpoint.base_url=http://user:{SECRET}@host/v1", f"endpoint.key_env={SECRET}"],
)
def test_a_secret_is_refused_and_not_repeated(word, answer, tmp_path):
    code, told = answer(*SERVER, word)
    assert code == 2 and SECRET not in told and not (tmp_path / "run").exists()
    assert told == (
        "endpoint (OpenAIServer): endpoint.base_url is an address with a user or a password in "
        "it: leave them out and name the environment variable of the key in endpoint.key_env\n"
        if "base_url" in word
        else "endpoint (OpenAIServer): endpoint.key_env is not the name of an environment variable "
        "(it is not shown here: it may be the key itself). Put the key into a variable, export "
        "MY_KEY=..., and set endpoint.key_env=MY_KEY\n"
    )


def test_a_key_that_is_not_set(answer, tmp_path):
    code, told = answer(*SERVER, *DRAWN, "endpoint.key_env=SIMLEARN_TEST_UNSET")
    assert code == 1 and "Traceback" not in told
    assert told.endswith(
        "error: endpoint.key_env: the environment variable SIMLEARN_TEST_UNSET is not set; set it "
        "with\n    export SIMLEARN_TEST_UNSET=YOUR_KEY\n"
    )
    assert not (tmp_path / "run/responses.jsonl").exists()


BROKEN = {
    "no_joint.yaml": "step: '{question} {steps}'\ncategory: '{question} {steps}'\n",
    "no_steps.yaml": "step: '{question}'\ncategory: '{question} {steps}'\njoint: '{steps}'\n",
    "key.yaml": "stpe: x\n",
    "yaml.yaml": "step: [\n",
}


@pytest.mark.parametrize(
    ("style", "text"),
    [
        (
            "plian",
            "no prompt style 'plian'. Did you mean 'plain'? There are bare, json, plain, stepwise, "
            "or name a YAML file of your own",
        ),
        ("nowhere.yaml", "nowhere.yaml: the prompt style is not there; check the path"),
        ("no_joint.yaml", "no_joint.yaml: joint is missing, the text that asks for it"),
        ("no_steps.yaml", "no_steps.yaml: step: {steps} is missing"),
        ("key.yaml", "key.yaml: no key 'stpe'. Did you mean 'step'? There are step, category,"),
        ("yaml.yaml", "yaml.yaml: no YAML ("),
    ],
)
def test_a_style_that_cannot_be_used(style, text, answer, tmp_path):
    for name, content in BROKEN.items():
        (tmp_path / name).write_text(content)
    given = tmp_path / style if style.endswith(".yaml") else style
    code, told = answer(*SERVER, f"evaluation.style={given}")
    assert code == 1 and "Traceback" not in told
    assert text in told and told.startswith("error: ") and told.count("\n") == 1
    assert {p.name for p in (tmp_path / "run").iterdir()} <= BEGUN


def finished(folder, **changes):
    """A folder that looks like a finished run."""
    folder.mkdir()
    told = {
        "protocol": {"data": "other", "fingerprint": "0" * 16},
        "test": {},
        "model": {"name": "old", "weights": "open"},
        **changes,
    }
    (folder / "metrics.json").write_text(json.dumps(told))
    (folder / "rows.jsonl").write_text("")
    return folder


def test_a_comparison_with_what_is_no_run(answer, tmp_path):
    code, told = answer(*SERVER, *DRAWN, f"evaluation.compare=[{tmp_path / 'nothing'}]")
    assert code == 1 and "Traceback" not in told
    assert (
        f"error: evaluation.compare: {tmp_path / 'nothing'} is not the folder of a finished run of "
        "task=error_steps (["
    ) in told
    other = finished(tmp_path / "other")
    code, told = answer(
        *SERVER, *DRAWN, f"evaluation.compare=[{other}]", "run_dir=" + str(other / "run")
    )
    assert code == 1
    assert told.endswith(
        f"error: evaluation.compare: {other} has data 'other', this run 'error_problems': their "
        "numbers cannot stand in one table. Compare runs on the same problems with the same "
        "prompts\n"
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "human.csv: the file of ratings is not there; check the path\n"),
        ("id,rater,step,category\n", "human.csv: holds no ratings; give a file of ratings with"),
        ("id,rater,stpe,category\na,b,1,VIS\n", "line 1: no column 'step'; did you mean 'stpe'?"),
        (
            "id,rater,step,category\nnobody,a,1,VIS\n",
            "human.csv, line 2: the id 'nobody' is not in the data",
        ),
        (
            "id,rater,step,category\ndrown-000001,a,1,VIS\n",
            "line 2: the id 'drown-000001' is not in the data; did you mean 'drawn-000001'?",
        ),
    ],
)
def test_ratings_that_cannot_be_used(content, text, answer, tmp_path):
    path = tmp_path / "human.csv"
    if content is not None:
        path.write_text(content)
    code, told = answer(*SERVER, *DRAWN, f"evaluation.human={path}")
    assert code == 1 and "Traceback" not in told
    assert text in told
    assert not (tmp_path / "run/responses.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ["data.path={}/nowhere.jsonl"],
            "error: {}/nowhere.jsonl: there is no such file or folder. Nothing is downloaded: "
            "fetch a data set with `hf download NAME --repo-type dataset --local-dir FOLDER` and "
            "give the folder\n",
        ),
        (
            ["data.path={}/some.jsonl", "data.map=simlaern"],
            "error: no map of columns is called 'simlaern'; did you mean 'simlearn'? there are "
            "processbench, simlearn, or give the path of a .yaml file\n",
        ),
        (["data.path={}/some.jsonl", "data.map={}/my.yaml"], "my.yaml: the map of columns is not"),
    ],
)
def test_records_that_cannot_be_read(words, text, answer, tmp_path):
    row = {"id": "a", "question": "q", "steps": ["x", "y"], "error_step": 1}
    (tmp_path / "some.jsonl").write_text(json.dumps(row) + "\n")
    given = [word.replace("{}", str(tmp_path)) for word in words]
    code, told = answer(*SERVER, "data=error_records", *given)
    assert code == 1 and text.replace("{}", str(tmp_path)) in told and "Traceback" not in told
    assert {p.name for p in (tmp_path / "run").iterdir()} <= BEGUN


def test_replies_and_neurons_that_are_not_there(answer, tmp_path):
    path = tmp_path / "none.jsonl"
    code, told = answer("endpoint=replay", f"endpoint.responses={path}", *DRAWN)
    assert code == 1 and told.endswith(
        f"error: endpoint.responses: '{path}' is not there; name the responses.jsonl of a run\n"
    )
    words = ["endpoint=local", "model=tiny_shipped", *DRAWN, *SMALL, f"evaluation.neurons={path}"]
    code, told = answer(*words, f"run_dir={tmp_path / 'other'}")
    assert code == 1 and told.endswith(
        f"error: evaluation.neurons={path}: there is no such file; give the folder of a finished "
        "run of task=neurons, or its neurons.safetensors\n"
    )


def test_what_a_resumed_run_takes(answer, tmp_path, capsys):
    folder = tmp_path / "run"
    assert answer(*SERVER, *DRAWN, *SMALL, "endpoint.key_env=SIMLEARN_TEST_UNSET")[0] == 1
    before = (folder / "config.yaml").read_text()
    for word in ("endpoint.model=other", "endpoint.max_tokens=9", "endpoint=replay", "data.n=3"):
        assert main([f"resume={folder}", word]) == 2
        assert capsys.readouterr().err == (
            f"override '{word}': a resumed run keeps its configuration; only trainer.KEY=VALUE, "
            "logger=OPTION, logger.KEY=VALUE and how an endpoint is reached (endpoint.base_url, "
            "key_env, concurrency, timeout_s, retries, backoff_s, max_cost, price_in, price_out, "
            "batch_size) may be given. Start a new run to change the rest\n"
        )
    assert main([f"resume={folder}", "endpoint.concurency=3"]) == 2
    assert "may be given" in capsys.readouterr().err
    assert main([f"resume={folder}", "endpoint.concurrency=0"]) == 2
    assert "endpoint.concurrency is 0, must be a whole number" in capsys.readouterr().err
    assert (folder / "config.yaml").read_text() == before
    with pytest.raises(AssertionError, match="a prompt was sent"):  # all was taken
        main([f"resume={folder}", "endpoint.concurrency=2", "endpoint.key_env=null"])
    assert not (folder / "metrics.json").exists()


def test_a_dry_run_sends_nothing(answer, tmp_path):
    code, told = answer(*SERVER, *DRAWN, "endpoint.dry_run=true")
    assert code == 0, told
    assert not (tmp_path / "run/responses.jsonl").exists()
