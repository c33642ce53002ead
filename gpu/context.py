"""OpenGL contexts without a window (EGL), and the identification of drivers."""

import contextlib
import ctypes
import ctypes.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import moderngl

from valuescape.gpu.shader_source import install_includes
from valuescape.sim.errors import UsageError

REQUIRED = 430
"""OpenGL 4.3: compute shaders, storage buffers, indirect draws."""

_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software")
_PACKAGES = "libgl1 libegl1 libgl1-mesa-dri"


@dataclass(frozen=True, slots=True)
class DriverInfo:
    """The OpenGL driver's identification."""

    renderer: str
    vendor: str
    version: str

    @property
    def software(self) -> bool:
        """Whether it draws on the CPU, whose cores the workers need too."""
        return any(name in self.renderer.lower() for name in _SOFTWARE)


def driver_info(gl: Any) -> DriverInfo:
    """Return the driver of a context."""
    return DriverInfo(gl.info["GL_RENDERER"], gl.info["GL_VENDOR"], gl.info["GL_VERSION"])


def prepare(gl: Any) -> Any:
    """Make a new context ready for this project's shaders; returns it."""
    gl.gc_mode = None  # its maker releases every object
    install_includes(gl)
    return gl


def create_headless_context(device: int | None = None) -> Any:
    """Return an OpenGL 4.3 context without a window, on EGL device `device`; None: the first GPU, if any.

    Raises UsageError, with what is missing and how to install it.
    """
    if device is not None:
        return prepare(_create(device))
    candidates = range(max(1, egl_device_count()))
    fallback = None
    for index in candidates:
        try:
            gl = _create(index)
        except UsageError:
            if index == candidates[-1] and fallback is None:
                raise
            continue
        if not driver_info(gl).software or index == candidates[-1]:
            if fallback is not None:
                fallback.release()
            return prepare(gl)
        if fallback is None:
            fallback = gl
        else:
            gl.release()
    return prepare(fallback)


def _create(device: int) -> Any:
    _expect_libraries()
    try:
        return _context(device, REQUIRED)
    except Exception as error:
        offered = _offered_version(device)
        if offered:
            raise UsageError(
                f"EGL device {device} offers OpenGL {offered}, but 4.3 is needed", _older_driver_hint()
            ) from error
        raise UsageError(
            f"no OpenGL 4.3 context could be made on EGL device {device}: {error}",
            f"install a driver (Debian, Ubuntu: apt-get install {_PACKAGES}); `valuescape doctor` tells more",
        ) from error


def _context(device: int, version: int) -> Any:
    settings: dict[str, Any] = {"standalone": True, "backend": "egl", "device_index": device}
    return moderngl.create_context(require=version, **settings)


def _offered_version(device: int) -> str:
    """Return the OpenGL version and the name of a driver that is too old; "" without such a driver."""
    for version in (330, 210):
        try:
            gl = _context(device, version)
        except Exception:  # noqa: S112 - moderngl raises Exception itself; the next version is tried
            continue
        info = driver_info(gl)
        gl.release()
        return f"{info.version} ({info.renderer})"
    return ""


def _older_driver_hint() -> str:
    limit = "MESA_GL_VERSION_OVERRIDE"
    if limit in os.environ:
        return f"unset {limit}, which is {os.environ[limit]!r}"
    return (
        "install a newer driver for the GPU, or take Mesa's software driver: LIBGL_ALWAYS_SOFTWARE=1 "
        f"(Debian, Ubuntu: apt-get install {_PACKAGES})"
    )


def _expect_libraries() -> None:
    for library in ("libGL.so.1", "libEGL.so.1"):
        if not library_loads(library):
            raise UsageError(
                f"no OpenGL: {library} cannot be loaded", f"Debian, Ubuntu: apt-get install {_PACKAGES}"
            )


def library_loads(name: str) -> bool:
    """Whether the shared library `name` is installed."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def wait_until_drawn() -> None:
    """Wait until the current context has drawn everything; other threads run Python meanwhile.

    moderngl keeps them waiting while it waits: with a software driver for half of each frame.
    """
    _gl().glFinish()


@cache
def _gl() -> Any:
    return ctypes.CDLL("libGL.so.1")


def let_go_of_headless_contexts() -> None:
    """Make no EGL context current in this thread.

    While one is, even one that was released, Mesa's X driver refuses to make a window's context current, and
    Xlib then ends the process.
    """
    if library_loads("libEGL.so.1"):
        ctypes.CDLL("libEGL.so.1").eglReleaseThread()


def egl_device_count() -> int:
    """Return the number of EGL devices; 0 without EGL_EXT_device_enumeration."""
    try:
        egl = ctypes.CDLL("libEGL.so.1")
        egl.eglGetProcAddress.restype = ctypes.c_void_p
        address = egl.eglGetProcAddress(b"eglQueryDevicesEXT")
    except (OSError, AttributeError):
        return 0
    if not address:
        return 0
    query = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int))(
        address
    )
    count = ctypes.c_int(0)
    return int(count.value) if query(0, None, ctypes.byref(count)) else 0


@contextlib.contextmanager
def made_current(gl: Any) -> Iterator[None]:
    """Make a headless context current in this thread within the block; afterwards the one before, or none.

    Between such blocks other threads may make it current.
    """
    with current_kept():
        gl.__enter__()
        yield


@contextlib.contextmanager
def current_kept() -> Iterator[None]:
    """Make the EGL context current again after the block that is current before it; none if none is."""
    egl = _egl_for_currents()
    before = [_asked(egl, *each) for each in _CURRENTS] if egl else []
    try:
        yield
    finally:
        if egl:
            _restore(egl, before)


def _restore(egl: Any, before: list[int | None]) -> None:
    """Make a context current again; none if it was released meanwhile, or if there was none."""
    display = before[0] or _asked(egl, *_CURRENTS[0])
    if before[3] and egl.eglMakeCurrent(*map(ctypes.c_void_p, before)):
        return
    if display:
        egl.eglMakeCurrent(ctypes.c_void_p(display), None, None, None)


_CURRENTS = (
    ("eglGetCurrentDisplay",),
    ("eglGetCurrentSurface", 0x3059),  # EGL_DRAW
    ("eglGetCurrentSurface", 0x305A),  # EGL_READ
    ("eglGetCurrentContext",),
)
"""EGL's functions that tell what is current, in the order in which eglMakeCurrent takes their answers."""


def _asked(egl: Any, function: str, *arguments: int) -> int | None:
    call = getattr(egl, function)
    call.restype = ctypes.c_void_p
    found: int | None = call(*arguments)
    return found


@cache
def _egl_for_currents() -> Any:
    return ctypes.CDLL("libEGL.so.1") if library_loads("libEGL.so.1") else None
