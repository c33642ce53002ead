"""The OpenGL context of a folder of tests, and the promise that each leaves it clean."""

import pytest

from valuescape.gpu.context import create_headless_context


@pytest.fixture(scope="session")
def shared_context():
    """One context without a window; Mesa's software driver is enough."""
    gl = create_headless_context()
    yield gl
    gl.release()


@pytest.fixture
def gl(shared_context):
    """The shared context, made current: a window that a test before opened may have taken its place."""
    with shared_context:
        assert shared_context.error == "GL_NO_ERROR"
        yield shared_context
        assert shared_context.error == "GL_NO_ERROR"
