"""Errors of shaders name our files and lines, whatever the driver's way of saying it, also in includes."""

import re

import pytest

from valuescape.gpu import shader_source as source
from valuescape.gpu.shader_source import ShaderError, ShaderText, compute_program, draw_program, located

OURS = """// ours
#version 430
#include "inner.glsl"
layout(local_size_x = 1) in;
void main() { twice(1.0); }
"""
INNER = "// inner\n\nfloat twice(float x) {\n    return 2.0 * x;\n}\n"


@pytest.fixture
def shaders(tmp_path, monkeypatch):
    """A folder of shaders in place of the program's."""
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "inner.glsl").write_text(INNER)
    (tmp_path / "ours.comp").write_text(OURS)
    monkeypatch.setattr(source, "SHADERS", tmp_path)
    monkeypatch.setattr(source, "_files", {})
    monkeypatch.setattr(source, "_drawn", set())
    return tmp_path


def edit(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("ours.comp", "twice(1.0)", "thrice(1.0)", r"^gpu/shaders/ours\.comp:5:\d+: error: .*thrice"),
        ("include/inner.glsl", "2.0 * x", "2.0 * y", r"^gpu/shaders/include/inner\.glsl:4:\d+: error: .*y"),
        ("ours.comp", "inner", "outer", r"^gpu/shaders/ours\.comp:3: there is no include outer\.glsl$"),
        (
            "include/inner.glsl",
            "// inner",
            '#include "inner.glsl"',
            r"inner\.glsl:1: inner\.glsl includes itself",
        ),
    ],
)
def test_an_error_has_the_place_that_it_has_on_disk(gl, shaders, file, before, after, said):
    compute_program(gl, "ours").release()
    edit(shaders / file, before, after)
    compute_program(gl, "ours").release()  # files are read once, until they are read again
    with pytest.raises(ShaderError) as caught, source.read_again(gl):
        pass
    assert re.search(said, str(caught.value))
    compute_program(gl, "ours").release()  # of the version before


@pytest.mark.gpu
def test_programs_are_made_of_the_new_files_after_they_were_read_again(gl, shaders):
    compute_program(gl, "ours").release()
    edit(shaders / "ours.comp", "twice(1.0)", "thrice(1.0)")
    edit(shaders / "include" / "inner.glsl", "twice", "thrice")
    with source.read_again(gl):
        pass
    assert "thrice" in source.expanded(shaders / "ours.comp").text
    assert set(source.files_read()) == {shaders / "ours.comp", shaders / "include" / "inner.glsl"}


@pytest.mark.gpu
def test_a_linker_s_error_names_the_files(gl, shaders):
    (shaders / "one.vert").write_text("#version 430\nout vec3 a;\nvoid main() { a = vec3(1); }\n")
    (shaders / "one.frag").write_text("#version 430\nin vec2 a;\nout vec4 o;\nvoid main() { o = a.xyxy; }\n")
    with pytest.raises(ShaderError, match=r"^gpu/shaders/one\.vert, gpu/shaders/one\.frag: .*vec3"):
        draw_program(gl, "one")


PLACES = (("a.comp", 1), ("b.glsl", 1), ("b.glsl", 2), ("a.comp", 3))
TEXTS = {
    "vertex_shader": ShaderText("", (("v.vert", 1), ("v.vert", 2))),
    "fragment_shader": ShaderText("", PLACES),
}


@pytest.mark.parametrize(
    ("driver", "said"),
    [
        ("0:3(16): error: `x' undeclared", "b.glsl:2:16: error: `x' undeclared"),  # Mesa
        (
            '0(3) : error C1008: undefined variable "x"',
            'b.glsl:2: error C1008: undefined variable "x"',
        ),  # NVIDIA
        ("ERROR: 0:4: 'x' : undeclared identifier", "a.comp:3: 'x' : undeclared identifier"),  # Intel, AMD
        ("0:99(1): error: at the end", "0:99(1): error: at the end"),  # a line that there is not
    ],
)
def test_messages_of_drivers_are_read(driver, said):
    heading = "GLSL Compiler failed\n\nfragment_shader\n===============\n"
    assert located(f"{heading}{driver}\n\n", TEXTS) == said


def test_a_heading_says_which_shader_is_meant():
    message = "vertex_shader\n=====\n0(2) : error C1: a\n\nfragment_shader\n=====\n0(2) : error C2: b\n"
    assert located(message, TEXTS) == "v.vert:2: error C1: a\nb.glsl:1: error C2: b"
