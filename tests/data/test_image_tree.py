"""Folders of images as videos of one frame: names, order, links, faults, mutants."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data.errors import DataError
from simlearn.data.frames import ImageFiles
from simlearn.data.image_tree import SUFFIXES, read_image_folder
from tests.data.photographs import FILES, write, write_folder


def paths(videos):
    return [frame for video in videos for frame in video.frames]


def fails(root, **options):
    with pytest.raises(DataError) as caught:
        read_image_folder(root, **options)
    return str(caught.value)


def test_every_image_is_a_video_of_one_frame(folder):
    videos = read_image_folder(folder)
    assert paths(videos) == FILES
    assert [v.name for v in videos] == [f.rpartition(".")[0] for f in FILES]
    assert [v.identity for v in videos] == [f.split("/")[0] for f in FILES]
    assert all(len(v.frames) == 1 and v.boxes is None for v in videos)
    assert {Path(f).suffix.lower() for f in FILES} == set(SUFFIXES)
    assert read_image_folder(str(folder)) == videos


@settings(max_examples=40)
@given(
    st.sets(st.integers(0, 10**9), min_size=1, max_size=9),
    st.sets(st.integers(0, 10**9), min_size=2, max_size=5),
)
def test_numbers_in_names_count(images, people):
    with tempfile.TemporaryDirectory() as place:
        for person in people:
            (Path(place) / f"p{person}").mkdir()
            for image in images:
                (Path(place) / f"p{person}" / f"{image}_a.jpg").touch()
        found = [v.name for v in read_image_folder(place)]
    assert found == [f"p{p}/{i}_a" for p in sorted(people) for i in sorted(images)]


def test_the_order_of_the_disk_does_not_matter(folder, tmp_path):
    for order in (FILES, FILES[::-1]):
        other = tmp_path / str(order is FILES)
        for name in order:
            (other / name).parent.mkdir(parents=True, exist_ok=True)
            (other / name).touch()
        assert read_image_folder(other) == read_image_folder(folder)


def test_hidden_files_and_files_that_are_no_images_are_ignored(own):
    for name in (".a.jpg", "._img_1.jpg", "notes.txt", "Thumbs.db", ".git/x.jpg", "@eaDir/x.jpg"):
        (own / "Ada" / name).parent.mkdir(exist_ok=True)
        (own / "Ada" / name).write_bytes(b"x")
    for name in (".cache/x.jpg", "__MACOSX/x.jpg", ".DS_Store", "readme.txt"):
        (own / name).parent.mkdir(exist_ok=True)
        (own / name).write_bytes(b"x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert paths(read_image_folder(own)) == FILES


def test_links_count_as_what_they_lead_to(own, tmp_path):
    elsewhere = write_folder(tmp_path / "elsewhere", ["Eve/1.jpg", "2.jpg"])
    (own / "Eve").symlink_to(elsewhere / "Eve")
    (own / "Ada" / "img_3.jpg").symlink_to(elsewhere / "2.jpg")
    videos = read_image_folder(own)
    assert [f for f in paths(videos) if f not in FILES] == ["Ada/img_3.jpg", "Eve/1.jpg"]
    assert paths(videos)[2] == "Ada/img_3.jpg"


def test_a_link_that_leads_back(own):
    (own / "Ada" / "again").symlink_to(own / "Ada")
    assert f"{own}/Ada/again: a link that leads back to {own}/Ada, in which" in fails(own)
    (own / "Ada" / "again").unlink()
    (own / "Ada" / "again").symlink_to(own)
    assert "in which it lies; delete it" in fails(own)
    assert len(read_image_folder(own, exclude=["Ada"])) == 6


def test_empty_classes_are_counted_in_a_warning(own):
    for number in range(7):
        (own / f"Empty{number}" / "deep").mkdir(parents=True)
    text = (
        r"photos: 7 class folder\(s\) without an image \(.jpg, .jpeg, .* were left out: "
        r"Empty0, Empty1, Empty2, Empty3, Empty4 and 2 more$"
    )
    with pytest.warns(UserWarning, match=text):
        assert paths(read_image_folder(own)) == FILES
    with pytest.warns(UserWarning, match=r": 1 class folder\(s\) .* left out: Empty6$"):
        read_image_folder(own, exclude=[f"Empty{n}" for n in range(6)])


def test_images_of_other_formats_are_counted_in_a_warning(own):
    for name in ("Ada/b.gif", "Ada/a.TIFF", "Bob 2/c.heic"):
        (own / name).touch()
    text = r"3 image\(s\) of another format \(.jpg.* left out: Ada/a.TIFF, Ada/b.gif, Bob 2/c.heic"
    with pytest.warns(UserWarning, match=text):
        assert paths(read_image_folder(own)) == FILES
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_image_folder(own, exclude=["Ada/a", "Ada/b.gif", "Bob 2/c.heic"])


def listed(tmp_path, *entries):
    path = tmp_path / "exclude.txt"
    path.write_text("# left out\n" + "\n".join(entries) + "\n")
    return path


@pytest.mark.parametrize(
    ("entries", "gone"),
    [
        (["Ada"], FILES[:3]),
        (["Ada/img_10"], FILES[2:3]),
        (["Ada\\img_10.png  # blurred"], FILES[2:3]),
        (["Bob 2/2019"], FILES[3:4]),
        (["Bob 2/2019/x.bmp", "Çelik/deep/er/p.q", "Bob 10/1"], [FILES[3], FILES[6], FILES[8]]),
        (["Ada/img_1.jpg", "Ada/img_2", "Ada/img_10", "Ada/img_10"], FILES[:3]),
    ],
)
def test_exclude(folder, tmp_path, entries, gone):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a class that was left out on purpose is not reported
        videos = read_image_folder(folder, exclude=entries)
        assert paths(videos) == [f for f in FILES if f not in gone]
        assert read_image_folder(folder, exclude=listed(tmp_path, *entries)) == videos


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("Adda", "'Adda' matches nothing in the data; did you mean 'Ada'?"),
        ("Adda/img_1", "did you mean 'Ada'?"),
        ("Ada/img_20.png", "did you mean 'Ada/img_10.png'?"),
        ("Ada/img_1.png", "did you mean 'Ada/img_10.png'?"),
        ("Bob 2/x", "correct or delete the entry"),
        ("zzz", "'zzz' matches nothing in the data; nothing there is spelled like it"),
        (".", "'.' matches nothing"),
        ("../photos", "matches nothing"),
        ("/", None),
    ],
)
def test_an_entry_that_matches_nothing_names_the_closest(folder, tmp_path, entry, message):
    if message is None:
        assert paths(read_image_folder(folder, exclude=[entry])) == FILES
        return
    text = fails(folder, exclude=["Bob 10", entry])
    assert message in text and text.startswith("exclude, entry 2: ")
    path = listed(tmp_path, entry)
    assert fails(folder, exclude=path).startswith(f"{path}, line 2: ")


def test_nothing_below_an_excluded_class_is_read(own, monkeypatch):
    from simlearn.data import image_tree

    opened = []
    real = image_tree.list_folder
    monkeypatch.setattr(image_tree, "list_folder", lambda p: opened.append(p) or real(p))
    read_image_folder(own, exclude=["Ada", "Ada/whatever"])
    assert own / "Ada" not in opened and own / "Bob 2" in opened


def test_missing_root(tmp_path):
    text = fails(tmp_path / "nowhere")
    assert text.startswith(f"data.root={tmp_path}/nowhere: the folder is not there; give the fold")
    (tmp_path / "photos.zip").touch()
    assert "photos.zip: is a file; unpack it and give" in fails(tmp_path / "photos.zip")
    assert "cannot be" in fails("a\0b") or "is not there" in fails("a\0b")


def test_images_directly_under_root(own):
    write(own / "cover.png")
    text = fails(own)
    assert text.startswith(f"{own}/cover.png: an image directly in data.root; images should lie")
    assert f"if photos is one class of several, give data.root={own.parent}" in text


def test_no_image(tmp_path):
    assert f"{tmp_path}: no image found (0 class folder(s)); images should lie" in fails(tmp_path)
    (tmp_path / "Ada").mkdir()
    with pytest.warns(UserWarning, match="1 class folder"):
        assert "(1 class folder(s))" in fails(tmp_path)


def test_only_one_class(folder, own, tmp_path):
    shutil.move(own / "Ada", tmp_path / "one" / "Ada")
    text = fails(tmp_path / "one")
    assert f"{tmp_path}/one: all 3 image(s) are of one class, Ada; a split by identity" in text
    assert "data.root" not in text
    assert f"If its folders are the classes, give data.root={folder}" in fails(folder.parent)
    assert "one class, Ada" in fails(folder, exclude=["Bob 2", "Bob 10", "Çelik"])


@pytest.mark.parametrize("left_out", ["Ada/img_1.png", "Ada/img_1.jpg"])
def test_two_images_of_one_name(own, left_out):
    write(own / "Ada" / "img_1.png")
    text = fails(own)
    assert text.startswith(f"{own}/Ada/img_1.png: a second image of the name Ada/img_1, beside Ada")
    assert "rename or delete one, or put Ada/img_1.png on the exclude list" in text
    assert "Ada/img_1" in {v.name for v in read_image_folder(own, exclude=[left_out])}


def test_a_name_that_is_not_utf8(own):
    try:
        (own / os.fsdecode(b"Ada/\xff.jpg")).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert r"\udcff.jpg': the name is not UTF-8 text; rename the file" in fails(own)


def test_no_image_is_opened(folder, monkeypatch):
    touched = []
    real = os.stat
    monkeypatch.setattr(os, "stat", lambda *a, **k: touched.append(a[0]) or real(*a, **k))
    assert len(read_image_folder(folder)) == len(FILES)
    assert not [p for p in touched if str(p).lower().endswith(SUFFIXES)]


def spoil(root, draw):
    """Change one thing of a tree and return what to exclude."""
    every = sorted(root.rglob("*"))
    files = [p for p in every if p.is_file()]
    path, file, kind = draw.choice(every), draw.choice(files), draw.randrange(7)
    if kind == 0:
        file.unlink()
    elif kind == 1:
        name = draw.choice([".x", "9" * 99, "b.jpg", "img_1.png", "é", "#"])
        if not (path.parent / name).exists():
            path.rename(path.with_name(name))
    elif kind == 2:
        file.write_bytes(file.read_bytes()[: draw.randrange(60)])
    elif kind == 3:
        data = bytearray(file.read_bytes())
        for _ in range(draw.randint(1, 8)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        file.write_bytes(data)
    elif kind == 4:
        link = path.parent / draw.choice(["l", "l.jpg"])
        if not link.is_symlink():
            link.symlink_to(draw.choice([draw.choice(every), "nowhere"]))
    elif kind == 5:
        goal = root / draw.choice(["Ada/x.png", "Bob 2/y", "z.jpg", "x.txt"])
        goal.parent.mkdir(exist_ok=True)
        file.replace(goal)
    else:
        entry = list(draw.choice(FILES))
        entry[draw.randrange(len(entry))] = draw.choice("a/.#\\ 1\0")
        return ["".join(entry)[: draw.randint(1, 20)]]
    return []


def attack(folder, tmp_path, count, seed):
    """Read ``count`` spoiled trees; how many were read and how many refused."""
    draw, good, bad = random.Random(seed), 0, 0
    for number in range(count):
        root = shutil.copytree(folder, tmp_path / str(number))
        exclude = [entry for _ in range(draw.randint(1, 2)) for entry in spoil(root, draw)]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                videos = read_image_folder(root, exclude=exclude)
            assert videos and len({v.name for v in videos}) == len(videos)
            frames = ImageFiles(root, videos, size=4, crop=0.5).gather(np.arange(len(videos)))
            assert frames.shape == (len(videos), 4, 4, 3)
            good += 1
        except DataError as error:
            assert str(root) in str(error) or "exclude, entry" in str(error)
            bad += 1
        shutil.rmtree(root)
    return good, bad


def test_300_mutants(folder, tmp_path):
    good, bad = attack(folder, tmp_path, 300, seed=0)
    assert good + bad == 300
    assert min(good, bad) > 50


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_10000_mutants(folder, tmp_path):
    good, bad = attack(folder, tmp_path, 10_000, seed=1)
    assert good + bad == 10_000
    assert min(good, bad) > 2000
