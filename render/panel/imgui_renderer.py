"""Draws Dear ImGui with moderngl, since the renderers in imgui_bundle need PyOpenGL."""

import ctypes
from typing import Any

import moderngl
import numpy as np
from imgui_bundle import imgui

from valuescape.gpu.bindings import Texture
from valuescape.gpu.shader_source import draw_program
from valuescape.render.scene.target import over

_VERTEX = np.dtype([("pixel", "f4", 2), ("uv", "f4", 2), ("color", "u1", 4)])
"""Layout of ImGui's `ImDrawVert`."""


class ImguiRenderer:
    """The GPU side of one ImGui context. That context must be the current one whenever a method is called."""

    def __init__(self, gl: Any) -> None:
        self._gl = gl
        self._program = draw_program(gl, "panel/panel")
        self._textures: dict[int, Any] = {}
        self._next_texture = 1  # ImGui reads 0 as "no texture"
        self._vertices = gl.buffer(reserve=1 << 16, dynamic=True)
        self._indices = gl.buffer(reserve=1 << 15, dynamic=True)
        self._vao = self._vertex_array()
        imgui.get_io().backend_flags |= imgui.BackendFlags_.renderer_has_textures

    def draw(self, data: Any, size_px: tuple[int, int]) -> None:
        """Draw `imgui.get_draw_data()` into the bound framebuffer, which is `size_px` large."""
        for texture in imgui.get_platform_io().textures:
            self._update(texture)
        gl = self._gl
        gl.enable_only(moderngl.NOTHING)
        over(gl)
        self._program["size_px"].value = size_px
        for commands in data.cmd_lists:
            self._upload(commands)
            for command in commands.cmd_buffer:
                left, top, right, bottom = (int(edge) for edge in command.clip_rect)
                gl.fbo.scissor = left, size_px[1] - bottom, max(right - left, 0), max(bottom - top, 0)
                self._textures[command.tex_ref.get_tex_id()].use(Texture.GLYPHS)
                self._vao.render(moderngl.TRIANGLES, vertices=command.elem_count, first=command.idx_offset)
        gl.fbo.scissor = None

    def release(self) -> None:
        """Free all textures, buffers and the program."""
        imgui.get_io().backend_flags &= ~imgui.BackendFlags_.renderer_has_textures
        for texture in imgui.get_platform_io().textures:
            if texture.status != imgui.ImTextureStatus.destroyed:
                texture.set_tex_id(0)
                texture.status = imgui.ImTextureStatus.destroyed
        for each in (*self._textures.values(), self._vao, self._vertices, self._indices, self._program):
            each.release()

    def _update(self, texture: Any) -> None:
        """Do what ImGui asks for a texture: create, update or destroy it.

        ImGui's font texture grows when new glyphs appear.
        """
        status = imgui.ImTextureStatus
        if texture.status == status.ok:
            return
        if texture.status == status.want_create:
            made = self._gl.texture((texture.width, texture.height), 4, texture.get_pixels_array().tobytes())
            self._textures[self._next_texture] = made
            texture.set_tex_id(self._next_texture)
            self._next_texture += 1
        elif texture.status == status.want_updates:
            self._textures[texture.tex_id].write(texture.get_pixels_array().tobytes())
        elif texture.status == status.want_destroy:
            self._textures.pop(texture.tex_id).release()
            texture.set_tex_id(0)
            texture.status = status.destroyed
            return
        texture.status = status.ok

    def _upload(self, commands: Any) -> None:
        vertices = commands.vtx_buffer.data_address(), commands.vtx_buffer.size() * _VERTEX.itemsize
        indices = commands.idx_buffer.data_address(), commands.idx_buffer.size() * imgui.INDEX_SIZE
        if vertices[1] > self._vertices.size or indices[1] > self._indices.size:
            self._vao.release()
            self._vertices.orphan(max(2 * self._vertices.size, vertices[1]))
            self._indices.orphan(max(2 * self._indices.size, indices[1]))
            self._vao = self._vertex_array()
        self._vertices.write(ctypes.string_at(*vertices))
        self._indices.write(ctypes.string_at(*indices))

    def _vertex_array(self) -> Any:
        return self._gl.vertex_array(
            self._program,
            [(self._vertices, "2f 2f 4f1", "in_pixel", "in_uv", "in_color")],
            index_buffer=self._indices,
            index_element_size=imgui.INDEX_SIZE,
        )
