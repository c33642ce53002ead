// The crowd's trails over the map: the colours of its cells (crowd/paint.comp), premultiplied. Include constants.glsl
// first.
layout(binding = TEXTURE_CROWD) uniform sampler2D crowd_colors;

// Bilinear over the four cells around, so that lines are smooth although a cell is either crossed or not.
vec4 crowd_at(vec2 uv) {
    return textureLod(crowd_colors, uv, 0.0);
}
