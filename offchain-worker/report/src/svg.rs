// SPDX-License-Identifier: GPL-3.0-or-later
//! The few SVG elements that the charts are drawn with. Colours are classes: the page gives them by style sheet and
//! the reader's light or dark mode, the pictures by a fixed light one.

use std::fmt::Write;

use crate::text::escape;

/// Where a text stands in relation to its point.
#[derive(Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing under construction; units are CSS pixels.
pub struct Drawing {
    pub width: f64,
    pub height: f64,
    body: String,
}

impl Drawing {
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
        }
    }

    /// Elements only, without the `svg` around them.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// What `draw` draws, as a group with a tooltip.
    pub fn titled(&mut self, title: &str, draw: impl FnOnce(&mut Self)) {
        self.push(format_args!("<g><title>{}</title>", escape(title)));
        draw(self);
        self.push(format_args!("</g>"));
    }

    pub fn line(&mut self, class: &str, x1: f64, y1: f64, x2: f64, y2: f64) {
        self.push(format_args!(
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        ));
    }

    /// `d` is path data.
    pub fn path(&mut self, class: &str, d: &str) {
        self.push(format_args!(r#"<path class="{class}" d="{d}"/>"#));
    }

    pub fn circle(&mut self, class: &str, x: f64, y: f64, r: f64) {
        self.push(format_args!(
            r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{r:.1}"/>"#
        ));
    }

    pub fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64, radius: f64) {
        self.push(format_args!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="{radius:.1}"/>"#
        ));
    }

    /// `size` in pixels; `y` is the base line.
    pub fn text(&mut self, class: &str, x: f64, y: f64, size: f64, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.push(format_args!(
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" font-size="{size:.1}" text-anchor="{anchor}">{}</text>"#,
            escape(text)
        ));
    }

    fn push(&mut self, piece: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.body.write_fmt(piece);
        self.body.push('\n');
    }
}
