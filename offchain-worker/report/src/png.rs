// SPDX-License-Identifier: GPL-3.0-or-later
//! Charts as PNG pictures, with a font of our own: no font, display or program of the machine is needed.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{fontdb, Options, Tree};

use crate::charts::Picture;
use crate::text::escape;
use crate::ReportError;

/// Picture pixels per pixel of the drawing: sharp on dense screens and in print.
pub const SCALE: f64 = 2.0;
/// Around the drawing.
pub const MARGIN: f64 = 28.0;
/// Above the drawing, for title and caption.
pub const HEADER: f64 = 62.0;
/// So wide at least, for the title.
pub const LEAST_WIDTH: f64 = 760.0;

/// Colours of the pictures: those of the page in light mode.
const STYLE: &str = include_str!("picture.css");

/// Renders the chart with its title and caption.
pub fn rasterise(picture: &Picture) -> Result<Vec<u8>, ReportError> {
    let error = |why: String| ReportError::Draw {
        chart: picture.file,
        why,
    };
    let options = Options {
        font_family: "DejaVu Sans".to_string(),
        fontdb: fonts(),
        ..Options::default()
    };
    let tree = Tree::from_str(&document(picture), &options).map_err(|e| error(e.to_string()))?;
    let size = tree
        .size()
        .to_int_size()
        .scale_by(SCALE as f32)
        .ok_or_else(|| error("it is empty".into()))?;
    let mut pixmap = Pixmap::new(size.width(), size.height()).ok_or_else(|| {
        error(format!(
            "{} x {} pixels are too many",
            size.width(),
            size.height()
        ))
    })?;
    resvg::render(
        &tree,
        Transform::from_scale(SCALE as f32, SCALE as f32),
        &mut pixmap.as_mut(),
    );
    pixmap.encode_png().map_err(|e| error(e.to_string()))
}

/// The picture as an SVG file.
fn document(picture: &Picture) -> String {
    let drawing = &picture.drawing;
    let width = (drawing.width.max(LEAST_WIDTH) + 2.0 * MARGIN).ceil();
    let height = (drawing.height + HEADER + 2.0 * MARGIN).ceil();
    let left = (width - drawing.width) / 2.0;
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="DejaVu Sans">
<style>{STYLE}</style>
<rect class="page" width="{width}" height="{height}"/>
<text class="strong" x="{MARGIN}" y="{}" font-size="18">{}</text>
<text class="muted" x="{MARGIN}" y="{}" font-size="12">{}</text>
<g transform="translate({left} {})">
{}</g>
</svg>"#,
        MARGIN + 16.0,
        escape(&picture.title),
        MARGIN + 38.0,
        escape(&picture.caption),
        MARGIN + HEADER,
        drawing.body()
    )
}

fn fonts() -> Arc<fontdb::Database> {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    Arc::new(fonts)
}
