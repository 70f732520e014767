from __future__ import annotations

import ast
import codecs
import io
import tokenize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from migrator.sources.text import Source, SourceError, UnencodableError, decode, encode

BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty file"),
        pytest.param(b"x = 1", id="no final newline"),
        pytest.param(b"x = 1\r\ny = 2\r\n", id="CRLF"),
        pytest.param(b"x = 1\ry = 2\r", id="lone CR"),
        pytest.param(b"x = 1\r\ny = 2\nz = 3\rw = 4", id="mixed newlines"),
        pytest.param(b"x = 1\n\x0c\ny = 2\n", id="form feed"),
        pytest.param(b"\x0cx = '\x1c\x0b'\n", id="control characters"),
        pytest.param("x = 'é → 🙂 \u2028'\n".encode(), id="UTF-8 without a declaration"),
    ],
)
def test_text_is_the_bytes_as_they_are(data: bytes) -> None:
    source = decode(data)
    assert source == Source(data.decode(), "utf-8", False)
    assert encode(source.text, source) == data


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    "head",
    [
        b"# -*- coding: latin-1 -*-",
        b"# vim: set fileencoding=Latin_1 :",
        b"#!/usr/bin/env python%n# coding=iso-8859-1",
        b"%n# coding: latin-1",
        b" \t\x0c# coding: latin-1",
        b"# Jos\xe9%n# coding: latin-1",
        b"# Jos\xe9, coding: latin-1",
    ],
)
def test_latin_1_cookie_is_respected_where_the_compiler_does(head: bytes, newline: bytes) -> None:
    data = head.replace(b"%n", newline) + newline + b"x = '\xe9'" + newline
    source = decode(data)
    assert source.encoding == "iso-8859-1"
    assert source.text == data.decode("latin-1")
    assert encode(source.text, source) == data
    namespace: dict[str, object] = {}
    exec(compile(data, "example", "exec"), namespace)
    assert namespace["x"] == "é"


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"#\n#\n# coding: latin-1\n", id="third line"),
        pytest.param(b"#\r#\r# coding: latin-1\r", id="third line, lone CR"),
        pytest.param(b"import os\n# coding: latin-1\n", id="after code"),
        pytest.param(b"'''\n# coding: latin-1\n'''\n", id="in a docstring"),
        pytest.param(b"coding = 'latin-1'\n", id="no comment"),
        pytest.param(b"# encoding latin-1\n", id="no colon"),
    ],
)
def test_what_only_looks_like_a_cookie_leaves_the_file_utf_8(head: bytes) -> None:
    data = head + "x = 'é'\n".encode()
    assert decode(data) == Source(data.decode(), "utf-8", False)


@pytest.mark.parametrize("cookie", [b"", b"# coding: utf-8\n", b"# coding: UTF_8\n", b"# coding: utf-8-sig\n"])
def test_bom_is_not_in_the_text_and_comes_back(cookie: bytes) -> None:
    data = BOM + cookie + "x = 'é'\r\n".encode()
    source = decode(data)
    assert source == Source(data[3:].decode(), "utf-8", True)
    assert encode(source.text, source) == data


def test_second_bom_is_text() -> None:
    source = decode(BOM + BOM + b"x = 1\n")
    assert source.text == "\ufeffx = 1\n"
    assert encode(source.text, source) == BOM + BOM + b"x = 1\n"


@pytest.mark.parametrize(
    ("data", "message", "row", "column"),
    [
        pytest.param(BOM + b"#\n# coding: latin-1\n", "latin-1", 2, 11, id="BOM and another cookie"),
        pytest.param(BOM + b"# coding: utf8\n", "remove one of the two", 1, 11, id="BOM and a spelling Python refuses"),
        pytest.param(b"# coding: nonsense\n", "unknown encoding nonsense", 1, 11, id="unknown encoding"),
        pytest.param(b"# coding: rot13\n", "unknown encoding rot13", 1, 11, id="encoding that is not of text"),
        pytest.param(
            b"# coding: utf-16\nx\n", "cannot be utf-16", 1, 11, id="encoding that the cookie itself is not in"
        ),
        pytest.param(b"# coding: utf-7\nx = 'a+-b+AOk-'\n", "utf-7", 1, 11, id="encoding with two spellings"),
        pytest.param(b"x = 1\r\ny = '\xe9'\r\n", "byte 0xe9 is not UTF-8: declare", 2, 6, id="undeclared Latin-1"),
        pytest.param("x = 1\ry = 'é".encode() + b"\xff'\r", "byte 0xff", 2, 7, id="column in characters"),
        pytest.param(b"# coding: utf-8\n\xe9\n", "the file declares UTF-8", 2, 1, id="declared UTF-8"),
        pytest.param(BOM + b"\xe9\n", "the file declares UTF-8", 1, 1, id="BOM and no UTF-8"),
        pytest.param(b"# coding: cp1252\nx = '\x81'\n", "byte 0x81 is not cp1252", 2, 6, id="byte not in the cookie's"),
        pytest.param(b"# coding: ascii\nx = '\xe9'\n", "byte 0xe9 is not ascii", 2, 6, id="declared ASCII"),
        pytest.param(b"x = 1\ny = '\0'\n", "NUL", 2, 6, id="NUL byte"),
        pytest.param(b"# coding: latin-1\n\0", "NUL", 2, 1, id="NUL byte after a cookie"),
        pytest.param("x = 1\n".encode("utf-16"), "UTF-16", 1, 1, id="UTF-16"),
        pytest.param("日本\u8a9e".encode("utf-16"), "UTF-16", 1, 1, id="UTF-16 without NUL bytes"),
    ],
)
def test_what_is_no_source_is_refused_with_its_place(data: bytes, message: str, row: int, column: int) -> None:
    with pytest.raises(SourceError) as caught:
        decode(data)
    assert message in caught.value.message
    assert (caught.value.row, caught.value.column) == (row, column)
    assert str(caught.value) == f"{row}:{column}: {caught.value.message}"


@pytest.mark.parametrize("encoding", ["cp1252", "shift_jis", "gb18030", "koi8-r", "euc_jp"])
def test_other_encodings_survive(encoding: str) -> None:
    letters = {"koi8-r": "Привет", "cp1252": "h€llo"}.get(encoding, "日本")
    text = f"# coding: {encoding}\r\nx = '{letters}'"
    data = text.encode(encoding)
    source = decode(data)
    assert source == Source(text, encoding, False)
    assert encode(text + "# more", source) == data + b"# more"


def test_character_that_the_encoding_lacks_is_named() -> None:
    source = decode(b"# coding: latin-1\nx = 1\n")
    with pytest.raises(UnencodableError, match=r"line 2: the character '→' \(U\+2192\) does not exist in iso-8859-1"):
        encode("# coding: latin-1\n# →\n", source)


def test_surrogate_is_named() -> None:
    with pytest.raises(UnencodableError, match=r"U\+D800"):
        encode("x = '\ud800'\n", Source("x = 1\n"))


def test_line_inserted_above_the_cookie_is_refused() -> None:
    source = decode(b"#!/usr/bin/env python\n# coding: latin-1\nx = '\xe9'\n")
    with pytest.raises(UnencodableError, match="line 1 or 2"):
        encode("# new\n" + source.text, source)


def test_text_that_begins_to_declare_another_encoding_is_refused() -> None:
    with pytest.raises(UnencodableError, match="declares latin-1"):
        encode("# coding: latin-1\n", decode(b"x = 1\n"))


def test_line_inserted_below_the_cookie_is_encoded() -> None:
    source = decode(b"# coding: latin-1\nx = '\xe9'\n")
    assert encode(source.text + "y = 'ü'\n", source) == b"# coding: latin-1\nx = '\xe9'\ny = '\xfc'\n"


LINES = st.lists(
    st.sampled_from(
        [
            b"",
            b"#",
            b" \t",
            b"\x0c",
            b"x = 1",
            b"# coding: latin-1",
            b"# coding: utf-8",
            b"#coding=cp1252",
            b"'''",
            b"# -*- coding: ascii -*-",
            b"# vim: fileencoding=nonsense",
            b"# \xc3\xa9",
            b"# encoding: U8",
            b"coding: utf-8",
        ]
    ),
    max_size=4,
)


@given(lines=LINES, bom=st.booleans(), newline=st.sampled_from([b"\n", b"\r\n"]))
def test_encoding_is_the_one_that_tokenize_finds(lines: list[bytes], bom: bool, newline: bytes) -> None:
    data = (BOM if bom else b"") + newline.join(lines)
    try:
        expected, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        data.decode(expected)
    except (SyntaxError, UnicodeDecodeError):
        with pytest.raises(SourceError):
            decode(data)
        return
    source = decode(data)
    assert source.bom == (expected == "utf-8-sig")
    assert codecs.lookup(source.encoding) == codecs.lookup(expected.replace("-sig", ""))


@given(st.binary(max_size=60))
@example(BOM)
@example(b"\xff\xfe")
@example(b"# coding: latin-1\r\xe9")
def test_arbitrary_bytes_come_back_or_are_refused(data: bytes) -> None:
    try:
        source = decode(data)
    except SourceError as error:
        assert error.row >= 1
        assert error.column >= 1
    else:
        assert encode(source.text, source) == data


COOKIES = ["", "# coding: latin-1\n", "# coding: utf-8\n", "#!python\r\n# coding: cp1252\r\n", "# coding: shift_jis\r"]


@given(cookie=st.sampled_from(COOKIES), body=st.text(max_size=40), bom=st.booleans())
def test_arbitrary_text_comes_back(cookie: str, body: str, bom: bool) -> None:
    encoding = cookie.partition("coding: ")[2].strip() or "utf-8"
    if "\0" in body or "coding" in body or (bom and encoding != "utf-8"):
        return
    text = cookie + "pass\n" + body
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        return
    if data.decode(encoding) != text:
        return
    source = decode((BOM if bom else b"") + data)
    assert (source.text, source.bom) == (text, bom)
    assert encode(text, source) == (BOM if bom else b"") + data


def test_decoded_text_parses_whatever_the_cookie_says() -> None:
    tree = ast.parse(decode(b"# coding: latin-1\nx = '\xe9'\n").text)
    assert isinstance(tree.body[0], ast.Assign)
    assert ast.literal_eval(tree.body[0].value) == "é"
