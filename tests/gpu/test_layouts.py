"""Layouts, includes, bindings: what Python defines and what shaders see are the same."""

import re
from collections import Counter

import moderngl
import numpy as np
import pytest

from valuescape.gpu import shader_source as source
from valuescape.gpu.bindings import Block, Image, Slot, Texture
from valuescape.gpu.dispatch import dispatch, groups_for, set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.shader_source import SHADERS, compute_program, draw_program, generated_includes
from valuescape.gpu.structs import DRAW_COMMAND, FRAME, RANGE, TRAIL_INSTANCE, members_glsl, struct_glsl

pytestmark = pytest.mark.gpu

GROUPS = ("AGENT_GROUP", "TEXEL_GROUP")

PROBE = """
#version 430
{declarations}
layout(local_size_x = 1) in;
layout(std430, binding = 1) writeonly buffer Answers {{ float answers[]; }};
void main() {{ {body} }}
"""


def numbered(dtype, rows):
    """Return `rows` elements of a dtype with a different number in every scalar of every field."""
    array = np.zeros(rows, dtype)
    number = 1
    for row in array:
        for name in dtype.names:
            field = row[name]
            values = np.arange(number, number + np.size(field)).reshape(np.shape(field))
            row[name] = values.astype(dtype[name].base)
            number += np.size(field)
    return array


def scalars(dtype):
    """Return a GLSL expression for every scalar of a dtype, in order; `{}` stands for the struct."""
    for name in dtype.names:
        shape = dtype[name].shape
        if shape == (4, 4):
            yield from (f"{{}}.{name}[{i}][{j}]" for i in range(4) for j in range(4))
        elif shape:
            yield from (f"{{}}.{name}[{i}]" for i in range(shape[0]))
        else:
            yield f"{{}}.{name}"


def answers(gl, declarations, expressions, bind):
    body = "\n".join(f"answers[{i}] = float({each});" for i, each in enumerate(expressions))
    program = gl.compute_shader(PROBE.format(declarations=declarations, body=body))
    output = gl.buffer(reserve=4 * len(expressions))
    try:
        bind()
        output.bind_to_storage_buffer(1)
        program.run(1)
        return np.frombuffer(output.read(), np.float32).tolist()
    finally:
        program.release()
        output.release()


@pytest.mark.parametrize("dtype", [RANGE, DRAW_COMMAND, TRAIL_INSTANCE], ids=["range", "command", "trail"])
def test_a_shader_reads_every_field_of_an_array(gl, dtype):
    """Two elements, so that the stride is tested too."""
    rows = numbered(dtype, 2)
    buffer = gl.buffer(rows.tobytes())
    declarations = (
        struct_glsl("Probed", dtype) + "layout(std430, binding = 0) buffer Rows { Probed rows[]; };"
    )
    expressions = [each.format(f"rows[{row}]") for row in range(2) for each in scalars(dtype)]
    found = answers(gl, declarations, expressions, lambda: buffer.bind_to_storage_buffer(0))
    buffer.release()
    assert found == list(range(1, len(expressions) + 1))


def test_a_shader_reads_every_field_of_the_frame_block(gl):
    block = gl.buffer(numbered(FRAME, 1).tobytes())
    declarations = '#include "constants.glsl"\n#include "structs.glsl"'
    expressions = [each.format("frame") for each in scalars(FRAME)]
    found = answers(gl, declarations, expressions, lambda: block.bind_to_uniform_block(Block.FRAME))
    block.release()
    assert found == list(range(1, len(expressions) + 1))


@pytest.mark.parametrize(
    "fields",
    [
        [("a", "f4"), ("b", "f4", 2)],  # vec2 would be moved to offset 8
        [("a", "f4", 2), ("b", "f4", 4)],
        [("a", "f4", (3, 3))],
        [("a", "f8")],
        [("a", "u1")],
    ],
    ids=["vec2", "vec4", "mat3", "double", "byte"],
)
def test_a_field_that_opengl_would_put_elsewhere_is_refused(fields):
    with pytest.raises(ValueError, match=fields[-1][0]):
        members_glsl(np.dtype(fields))


def test_a_hole_between_fields_is_refused():
    dtype = np.dtype({"names": ["a", "b"], "formats": ["f4", "f4"], "offsets": [0, 8]})
    with pytest.raises(ValueError, match="b: offset 8"):
        members_glsl(dtype)


def test_an_array_whose_stride_would_differ_is_refused():
    with pytest.raises(ValueError, match="size 12 is no multiple of its alignment 8"):
        struct_glsl("Odd", np.dtype([("a", "f4", 2), ("b", "f4")]))


def test_every_shader_compiles_and_is_used(gl):
    compute, vertex, fragment = (
        {str(path.relative_to(SHADERS).with_suffix("")) for path in SHADERS.rglob(f"*.{kind}")}
        for kind in ("comp", "vert", "frag")
    )
    drawing = sorted(vertex | fragment)
    for name in compute:
        compute_program(gl, name).release()
    for name in sorted(fragment):
        partner = max((each for each in vertex if name.startswith(each)), key=len, default="glow/whole")
        draw_program(gl, partner, name).release()
    root = SHADERS.parents[1]
    code = "".join(path.read_text() for room in ("gpu", "render") for path in (root / room).rglob("*.py"))
    assert [name for name in [*sorted(compute), *drawing] if f'"{name}"' not in code] == []


def test_every_shader_says_what_it_does():
    silent = [path.name for path in SHADERS.rglob("*.*") if not path.read_text().startswith("// ")]
    assert silent == []


def test_an_error_in_a_shader_names_its_file(gl, tmp_path, monkeypatch):
    (tmp_path / "broken.comp").write_text("#version 430\nvoid main() { nonsense }")
    monkeypatch.setattr(source, "SHADERS", tmp_path)
    with pytest.raises(RuntimeError, match=r"^gpu/shaders/broken\.comp:2:\d+: error: "):
        compute_program(gl, "broken")


def test_an_unknown_include_raises(gl):
    with pytest.raises(KeyError):
        gl.compute_shader('#version 430\n#include "nowhere.glsl"\nvoid main() {}')


def test_defines_are_unique():
    names = re.findall(r"#define (\w+)", generated_includes()["constants.glsl"])
    assert [name for name, count in Counter(names).items() if count > 1] == []


@pytest.mark.parametrize("enum", [Slot, Block, Texture, Image])
def test_no_two_bindings_share_a_number(enum):
    assert len({int(each) for each in enum}) == len(enum.__members__)


def test_shaders_name_their_bindings():
    """A literal number in one file and its name in another would part ways unseen."""
    literal = [
        f"{path.name}: {line.strip()}"
        for path in SHADERS.rglob("*.*")
        for line in path.read_text().splitlines()
        if re.search(r"binding\s*=\s*\d", line)
    ]
    assert literal == []


def test_shaders_name_their_group_sizes():
    """But for those that run once: else Python would start too few groups, unseen, after a change in one."""
    sizes = {
        path.name: re.findall(r"local_size_x = (\w+)", path.read_text()) for path in SHADERS.rglob("*.comp")
    }
    assert sizes
    assert {name: size for name, size in sizes.items() if size[0] not in ("1", *GROUPS)} == {}


def test_a_dispatch_beyond_the_driver_s_limit_raises(gl):
    """It would run nothing, without an error."""
    meter = FrameMeter()
    program = gl.compute_shader("#version 430\nlayout(local_size_x = 1) in;\nvoid main() {}")
    limit = gl.info["GL_MAX_COMPUTE_WORK_GROUP_COUNT"]
    dispatch(gl, program, (1, 1), meter)
    assert meter.dispatches == 1
    for groups in ((limit[0] + 1, 1), (1, limit[1] + 1)):
        with pytest.raises(ValueError, match="work groups, but the driver allows"):
            dispatch(gl, program, groups, meter)
    assert meter.dispatches == 1
    program.release()


def test_groups_cover_all_items():
    assert [groups_for(items, 256) for items in (1, 256, 257, 512)] == [1, 1, 2, 2]


def test_uniforms_that_the_compiler_removed_are_passed_over(gl):
    program = gl.compute_shader(
        "#version 430\nlayout(local_size_x = 1) in;\nuniform uint used;\nuniform uint unused;"
        "layout(std430, binding = 0) buffer Out { uint result; };\nvoid main() { result = used; }"
    )
    assert isinstance(program, moderngl.ComputeShader)
    set_uniforms(program, used=3, unused=4)
    assert program["used"].value == 3
    program.release()
