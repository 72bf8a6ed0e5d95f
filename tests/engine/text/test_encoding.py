"""Texts in the encodings that they are found in, from words of the languages that use them."""

from __future__ import annotations

import codecs
import gzip
import random

import numpy as np
import pytest

from engine.errors import UserError
from engine.settings import Settings
from engine.text.corpus import Corpus, read_corpus
from engine.text.encoding import guess
from engine.text.reader import PART

WORDS = {
    "simplified": (
        "我们 今天 没有 时间 去 看 那个 人 的 房子 因为 天气 很 冷 孩子 在 学校 里 读书 老师 说 这 是 一 "
        "本 好 书 中国 历史 城市 工作 生活 朋友 问题 可以 知道 什么 怎么 开始 他们 她 已经 回家 吃饭 晚上 "
        "早上 明天 大 小 高兴 学习 语言 文化"
    ),
    "traditional": (
        "我們 今天 沒有 時間 去 看 那個 人 的 房子 因為 天氣 很 冷 孩子 在 學校 裡 讀書 老師 說 這 是 一 "
        "本 好 書 中國 歷史 城市 工作 生活 朋友 問題 可以 知道 什麼 怎麼 開始 他們 她 已經 回家 吃飯 晚上 "
        "早上 明天 大 小 高興 學習 語言 文化"
    ),
    "japanese": (
        "私は 今日 学校 に 行きました 先生 が 本を 読んで います 天気 は とても 寒い です 友達 と 一緒 に "
        "話しました 日本 の 歴史 と 文化 を 勉強 する ことが できます 彼女 家 へ 帰る 時間 ない 仕事 生活 "
        "問題 わかりません どうして 朝 夜 明日 カメラ"
    ),
    "korean": (
        "나는 오늘 학교에 갔습니다 선생님이 책을 읽고 있습니다 날씨가 매우 춥습니다 친구와 함께 "
        "이야기했습니다 한국의 역사와 문화를 공부할 수 있습니다 그녀는 집으로 돌아갔다 시간이 없다 일 "
        "생활 문제 어떻게 왜 아침 저녁 내일 큰 작은 사람 도시"
    ),
    "russian": (
        "мы сегодня не имели времени чтобы посмотреть на дом этого человека потому что погода очень "
        "холодная дети в школе читают книги учитель сказал это хорошая книга история города работа жизнь "
        "друзья вопрос можно знать что как"
    ),
    "english": (
        "the garden was quiet and he said it’s “done” — she didn’t answer because nobody had asked her "
        "café prices rose while the old man walked home with a bag of apples under his arm and thought "
        "about “tomorrow”…"
    ),
    "french": (
        "le garçon était très fatigué à l'école où la maîtresse a déjà expliqué que l'été commence "
        "bientôt même si l'hôtel près de la forêt n'est pas ouvert ça ira peut-être mieux après le dîner "
        "chez ma grand-mère"
    ),
    "polish": (
        "dziewczyna poszła do szkoły gdzie nauczyciel już wyjaśnił że lato zaczyna się wkrótce chociaż "
        "źródło było suche a łąka żółta więc mąż i córka szli przez gęsty las ćwicząc pieśni"
    ),
    "greek": (
        "το κορίτσι πήγε στο σχολείο όπου ο δάσκαλος εξήγησε ότι το καλοκαίρι αρχίζει σύντομα αν και η "
        "θάλασσα ήταν κρύα και ο άνθρωπος γύρισε στο σπίτι του το βράδυ"
    ),
    "turkish": (
        "küçük kız okula gitti öğretmen yazın yakında başlayacağını söyledi ama deniz soğuktu ve yaşlı "
        "adam akşam evine döndü çünkü şehirde iş yoktu"
    ),
}

WITHOUT_SPACES = ("simplified", "traditional", "japanese")


def text(language: str, seed: int = 0, characters: int = 21_000) -> str:
    """Sentences of random words."""
    draws, words, gap = random.Random(seed), WORDS[language].split(), "" if language in WITHOUT_SPACES else " "
    sentences: list[str] = []
    while sum(map(len, sentences)) < characters:
        end = draws.choice("。，\n") if gap == "" else draws.choice([". ", ", ", ".\n"])
        sentences.append(gap.join(draws.choices(words, k=draws.randint(4, 12))) + end)
    return "".join(sentences)


def read(content: bytes, encoding: str = "auto") -> tuple[str, Corpus]:
    corpus = read_corpus(content, "a text", 65_536, encoding=encoding)
    return corpus.vocabulary.decode(np.asarray(corpus.ids).tolist()), corpus


CASES = [
    ("simplified", "gbk"),
    ("simplified", "gb18030"),
    ("traditional", "big5"),
    ("japanese", "shift_jis"),
    ("japanese", "euc_jp"),
    ("korean", "euc_kr"),
    ("russian", "koi8_r"),
    ("russian", "cp1251"),
    ("english", "cp1252"),
    ("french", "latin_1"),
    ("french", "cp1252"),
    ("polish", "cp1250"),
    ("greek", "cp1253"),
    ("turkish", "cp1254"),
]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("language", "encoding"), CASES)
def test_texts_are_read_as_they_were_written(language: str, encoding: str, seed: int) -> None:
    content = text(language, seed).encode(encoding, "ignore")
    found, corpus = read(content)
    assert found == content.decode(encoding)
    (note,) = corpus.notes
    assert note.startswith("not UTF-8 (byte ")
    assert "--encoding names another" in note


@pytest.mark.parametrize("mark", [True, False])
@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("language", WORDS)
def test_utf_16_needs_no_mark(language: str, order: str, mark: bool) -> None:
    written = text(language)
    bom = {"le": codecs.BOM_UTF16_LE, "be": codecs.BOM_UTF16_BE}[order] if mark else b""
    found, corpus = read(bom + written.encode(f"utf-16-{order}"))
    assert found == written
    assert any("16" in note for note in corpus.notes)


@pytest.mark.parametrize("language", WORDS)
def test_utf_8_is_nothing_to_speak_of(language: str) -> None:
    found, corpus = read(text(language).encode())
    assert (found, corpus.notes) == (text(language), ())


def test_a_text_that_looks_like_utf_8_for_long_is_known_by_what_comes_then() -> None:
    content = b"plain words in one line\n" * (PART // 20) + text("russian").encode("cp1251")
    assert read(content)[0].endswith(text("russian"))


def test_a_compressed_text_too() -> None:
    assert read(gzip.compress(text("japanese").encode("shift_jis")))[0] == text("japanese")


def test_an_encoding_that_is_given_is_taken() -> None:
    content = text("russian").encode("koi8_r")
    assert read(content, "koi8_r")[0] == text("russian")
    assert read(content, "cp1251")[0] != text("russian")
    with pytest.raises(
        UserError, match=r"a text is not in utf-8 \(byte 1 is not valid\): name another with --encoding"
    ):
        read(content, "utf-8")


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("utf-8", codecs.BOM_UTF8 + text("russian").encode()),
        ("UTF8", text("russian").encode()),
        ("utf_16", text("russian").encode("utf-16")),
        ("utf-16-le", codecs.BOM_UTF16_LE + text("russian").encode("utf-16-le")),
        ("utf-32", text("russian").encode("utf-32")),
        ("windows-1251", text("russian").encode("cp1251")),
    ],
)
def test_an_encoding_may_be_spelled_in_other_ways_and_has_no_mark_in_its_text(encoding: str, content: bytes) -> None:
    assert read(content, encoding)[0] == text("russian")


def test_a_few_bytes_that_stand_for_nothing_cost_no_text() -> None:
    content = b"some ordinary text to read\n" * 50 + b"\x81\x8d\xe9"
    assert read(content)[0] == content.decode("latin-1")


@pytest.mark.parametrize("wrong", ["base64", "banana", "", "utf-8\0", "idna", "punycode", "undefined"])
def test_what_is_no_encoding_of_text_is_refused(wrong: str) -> None:
    with pytest.raises(UserError, match="expected auto, or an encoding that Python knows"):
        Settings(encoding=wrong)


@pytest.mark.parametrize(
    "content", [random.Random(0).randbytes(30_000), bytes(30_000), bytes(range(256)) * 100, b"\x7fELF" + bytes(400)]
)
def test_what_is_no_text_is_none(content: bytes) -> None:
    assert guess(content) is None
    with pytest.raises(UserError, match="binary"):
        read(content)
