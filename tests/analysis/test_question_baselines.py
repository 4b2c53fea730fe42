import numpy as np
import pytest

from simlearn.analysis.question_baselines import GREY, blank_images, question_only_answers
from simlearn.data.media import load_audio, load_image
from simlearn.data.questions import Question


def ask(text, *answers, **more):
    return Question(id=text, text=text, answers=answers, **more)


def test_the_most_frequent_answer_to_the_same_text():
    train = [
        ask("colour ?", "blue"),
        ask("colour ?", "red"),
        ask("colour ?", "red"),
        ask("shape ?", "square"),
        ask("shape ?", "circle"),  # a tie: square was first
        ask("size ?", "big"),
        ask("size ?", "big"),
        ask("size ?", "big"),
        ask("size ?"),
    ]
    test = [
        ask("colour ?", "red"),
        ask("colour ?", "blue"),
        ask("shape ?", "square"),
        ask("shape ?", "circle"),
        ask("never asked ?", "big"),
        ask("never asked ?", "red"),
        ask("colour ?", "crimson", "red"),
        ask("colour ?"),
        ask("colour ?", "reddish", metric="substring"),
    ]
    found = question_only_answers(train, test)
    assert found.tolist() == [True, False, True, False, True, False, True, False, False]


def test_nothing_to_learn_from_and_nothing_to_answer():
    with pytest.raises(ValueError, match="no training question has an answer"):
        question_only_answers([ask("colour ?")], [])
    assert question_only_answers([ask("colour ?", "red")], []).shape == (0,)


def test_blank_media_have_the_size_of_the_real_ones(tmp_path):
    from PIL import Image
    from scipy.io import wavfile

    Image.new("RGB", (5, 4), (255, 0, 0)).save(tmp_path / "a.png")
    wavfile.write(tmp_path / "a.wav", 8000, np.full(800, 9000, dtype=np.int16))
    questions = [
        ask("a ?", "red", image=np.zeros((3, 7, 3), dtype=np.uint8)),
        ask("b ?", image=tmp_path / "a.png"),
        ask("c ?", audio=np.ones(50, dtype=np.float32), rate=100),
        ask("d ?", audio=tmp_path / "a.wav"),
        ask("e ?"),
    ]
    blank = blank_images(questions)
    assert [q.text for q in blank] == ["a ?", "b ?", "c ?", "d ?", "e ?"]
    assert blank[0].answers == ("red",)
    assert blank[0].image.shape == (3, 7, 3) and blank[1].image.shape == (4, 5, 3)
    assert all(set(q.image.flatten().tolist()) == {GREY} for q in blank[:2])
    assert load_image(blank[1]).size == (5, 4)
    assert blank[2].audio.shape == (50,) and blank[2].rate == 100
    assert blank[3].audio.shape == (1600,) and blank[3].rate == 16000
    assert not load_audio(blank[3], 8000).any()
    assert blank[4].image is None and blank[4].audio is None and blank[4].rate is None


def test_blank_pictures_take_no_memory():
    blank = blank_images([ask("a ?", image=np.zeros((400, 400, 3), dtype=np.uint8))])[0]
    assert blank.image.strides == (0, 0, 0)
