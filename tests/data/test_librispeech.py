"""LibriSpeech's folders, transcriptions and FLAC files."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from simlearn.data.errors import DataError
from simlearn.data.librispeech import PROMPT, read_librispeech
from simlearn.data.media import load_audio
from simlearn.data.randomness import numpy_generator
from tests.data.ytf_tree import mutants

LINES = {
    "1089-134686": (
        "1089-134686-0000 HE HOPED THERE WOULD BE STEW FOR DINNER\n"
        "1089-134686-0001 STUFF IT INTO YOU HIS BELLY COUNSELLED HIM\n"
    ),
    "121-121726": "121-121726-0010 ALSO A POPULAR CONTRIVANCE\n121-121726-0002 ANGOR PAIN\n",
}


def write(root, lines=LINES, split="test-clean"):
    for name, text in lines.items():
        speaker, chapter = name.split("-")
        folder = root / split / speaker / chapter
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.trans.txt").write_text(text)
        for number in ("0000", "0001", "0002", "0010"):
            x = np.sin(np.arange(800 + int(number)) / 9) / 2
            soundfile.write(folder / f"{name}-{number}.flac", x, 16000)
    return root


def test_the_folders_of_the_archive(tmp_path):
    found = read_librispeech(write(tmp_path))
    assert [q.id for q in found] == [
        *("121-121726-0002", "121-121726-0010", "1089-134686-0000", "1089-134686-0001")
    ]
    assert found[2].answers == ("HE HOPED THERE WOULD BE STEW FOR DINNER",)
    assert {(q.text, q.dataset, q.metric, q.kind, q.image) for q in found} == {
        (PROMPT, "librispeech", "wrr", "test-clean", None)
    }
    assert found[1].audio == tmp_path / "test-clean" / "121" / "121726" / "121-121726-0010.flac"
    assert load_audio(found[1], 16000).shape == (810,)


def test_other_splits_and_the_outer_folder(tmp_path):
    write(tmp_path / "LibriSpeech", split="dev-other")
    assert {q.kind for q in read_librispeech(str(tmp_path), "dev-other")} == {"dev-other"}
    with pytest.raises(DataError, match=r"test-clean: no folder speaker/chapter in it; give"):
        read_librispeech(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1-2-0000\n", "line 1: must be 1-2-NUMBER and the words, .*found '1-2-0000'"),
        ("1-2-0000 A\n1-3-0001 B\n", "line 2: must be 1-2-NUMBER"),
        ("1-2-0000 A\n1-2-0000 B\n", "line 2: must be 1-2-NUMBER and the words, each number once"),
        ("1-2-../../x A\n", "line 1: must be 1-2-NUMBER"),
        ("1-2-0007 A\n", r"line 1: .*1-2-0007.flac is not there; unpack the archive again"),
    ],
)
def test_faults_name_file_and_line(tmp_path, text, message):
    with pytest.raises(DataError, match=rf"1-2.trans.txt, {message}"):
        read_librispeech(write(tmp_path, {"1-2": text}))


def test_a_chapter_without_its_transcription(tmp_path):
    write(tmp_path)
    (tmp_path / "test-clean" / "121" / "121726" / "121-121726.trans.txt").unlink()
    with pytest.raises(DataError, match="121-121726.trans.txt: the transcription is not there"):
        read_librispeech(tmp_path)


def check_mutants(folder, count):
    write(folder)
    path = folder / "test-clean" / "1089" / "134686" / "1089-134686.trans.txt"
    read = 0
    for data in mutants(path.read_bytes(), count, numpy_generator(0, "mutants", "librispeech")):
        path.write_bytes(data)
        try:
            found = read_librispeech(folder)
        except DataError as error:
            assert "1089-134686.trans.txt" in str(error)
        else:
            assert all(q.answers[0].strip() and q.audio.is_file() for q in found)
            read += 1
    assert count // 50 < read < count


def test_300_mutants_are_read_or_refused(tmp_path):
    check_mutants(tmp_path, 300)


@pytest.mark.slow
def test_10000_mutants_are_read_or_refused(tmp_path):
    check_mutants(tmp_path, 10_000)
