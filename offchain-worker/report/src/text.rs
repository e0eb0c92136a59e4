// SPDX-License-Identifier: GPL-3.0-or-later
//! Text for people: escaped, grouped, shortened.

/// Escapes for HTML and XML, in elements and in quoted attributes.
///
/// Control characters, which XML forbids, and characters that reorder or hide text (bidirectional overrides and
/// isolates, zero-width ones), with which a name could pass for another, become U+FFFD.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => out.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// At most `chars` characters, the last an ellipsis where some were left out. Not escaped.
pub fn shorten(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_string();
    }
    text.chars()
        .take(chars.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// A hash as its two ends.
pub fn short_hash(hash: &str) -> String {
    let chars: Vec<char> = hash.chars().collect();
    if chars.len() <= 14 {
        return hash.to_string();
    }
    let ends = |part: &[char]| part.iter().collect::<String>();
    format!("{}…{}", ends(&chars[..8]), ends(&chars[chars.len() - 4..]))
}

/// A whole number with its digits in groups of three (narrow no-break space).
pub fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    out
}

/// An amount in tokens, exact.
pub fn exact_amount(amount: u128, decimals: u32) -> String {
    let (whole, fraction) = split(amount, decimals);
    match fraction.trim_end_matches('0') {
        "" => grouped(whole),
        digits => format!("{}.{digits}", grouped(whole)),
    }
}

/// An amount in tokens with at most four decimals, rounded down; what is too small to show is marked.
pub fn amount(amount: u128, decimals: u32) -> String {
    let (whole, fraction) = split(amount, decimals);
    let kept: String = fraction.chars().take(4).collect();
    match kept.trim_end_matches('0') {
        "" if whole == 0 && amount > 0 => "<0.0001".to_string(),
        "" => grouped(whole),
        digits => format!("{}.{digits}", grouped(whole)),
    }
}

/// Whole tokens, and the fraction as `decimals` digits.
fn split(amount: u128, decimals: u32) -> (u128, String) {
    match 10u128.checked_pow(decimals) {
        Some(unit) if decimals > 0 => (
            amount / unit,
            format!("{:0width$}", amount % unit, width = decimals as usize),
        ),
        _ if decimals == 0 => (amount, String::new()),
        // More decimals than a u128 has digits: all of it is fraction.
        _ => (0, format!("{amount:0width$}", width = decimals as usize)),
    }
}

/// A count of parameters: 840 thousand is "0.84 M".
pub fn magnitude(count: u64) -> String {
    let value = count as f64;
    match count {
        0..1_000 => count.to_string(),
        1_000..100_000 => format!("{:.1} k", value / 1e3),
        100_000..1_000_000_000 => format!("{:.2} M", value / 1e6),
        _ => format!("{:.2} B", value / 1e9),
    }
}

/// A time span.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_string();
    }
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3_600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3_600, whole % 3_600 / 60),
    }
}

/// A loss, or a dash.
pub fn loss(value: Option<f64>) -> String {
    match value {
        Some(v) if v.is_finite() => format!("{v:.3}"),
        Some(_) => "not finite".to_string(),
        None => "–".to_string(),
    }
}

/// `1 claim`, `2 claims`.
pub fn counted(count: usize, noun: &str) -> String {
    format!(
        "{} {noun}{}",
        grouped(count as u128),
        if count == 1 { "" } else { "s" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_should_leave_nothing_active_when_text_is_hostile() {
        assert_eq!(
            escape(r#"<b a="x" b='y'>&"#),
            "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;"
        );
        assert_eq!(
            escape("a\u{0}b\u{1b}[31m\u{202e}c\u{200b}"),
            "a\u{fffd}b\u{fffd}[31m\u{fffd}c\u{fffd}"
        );
        assert_eq!(escape("Zoë, 李, 2 < 3"), "Zoë, 李, 2 &lt; 3");
    }

    #[test]
    fn amount_should_be_rounded_down_and_exact_amount_not() {
        let one = 1_000_000_000_000;
        assert_eq!(
            amount(1_234 * one + 567_890_000_000, 12),
            "1\u{202f}234.5678"
        );
        assert_eq!(
            exact_amount(1_234 * one + 567_890_000_001, 12),
            "1\u{202f}234.567890000001"
        );
        assert_eq!(amount(5 * one, 12), "5");
        assert_eq!(amount(0, 12), "0");
        assert_eq!(amount(1, 12), "<0.0001");
        assert_eq!(amount(7, 0), "7");
        assert_eq!(exact_amount(u128::MAX, 60), format!("0.{:0>60}", u128::MAX));
    }

    #[test]
    fn numbers_should_read_naturally() {
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(grouped(12), "12");
        assert_eq!(magnitude(840_000), "0.84 M");
        assert_eq!(magnitude(999), "999");
        assert_eq!(duration(0.5), "0.5 s");
        assert_eq!(duration(432.2), "7 min 12 s");
        assert_eq!(duration(7_260.0), "2 h 1 min");
        assert_eq!(duration(f64::NAN), "unknown");
        assert_eq!(counted(1, "claim"), "1 claim");
        assert_eq!(counted(0, "claim"), "0 claims");
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(short_hash("0x0123456789abcdef0123"), "0x012345…0123");
        assert_eq!(short_hash("0x01"), "0x01");
        assert_eq!(loss(Some(f64::NAN)), "not finite");
    }
}
