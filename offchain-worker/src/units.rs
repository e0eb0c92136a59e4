// SPDX-License-Identifier: GPL-3.0-or-later
//! Token amounts as people write them.

use dream_primitives::{Balance, DREAM};

/// Decimals of one DREAM.
pub const DECIMALS: u32 = 12;
/// Symbol of the token.
pub const SYMBOL: &str = "DREAM";

/// An amount as text, without trailing zeros: `1234.5 DREAM`.
pub fn amount(balance: Balance) -> String {
    let (whole, rest) = (balance / DREAM, balance % DREAM);
    let rest = format!("{rest:012}");
    match rest.trim_end_matches('0') {
        "" => format!("{whole} {SYMBOL}"),
        rest => format!("{whole}.{rest} {SYMBOL}"),
    }
}

/// Reads an amount in DREAM with at most twelve decimals, such as `1000` or `0.25`.
pub fn parse(text: &str) -> Result<Balance, String> {
    let wrong =
        |why: &str| format!("{text:?} is no amount of {SYMBOL}: {why}; write it like 1000 or 0.25");
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(rest) {
        return Err(wrong("not a decimal number"));
    }
    if rest.len() > DECIMALS as usize {
        return Err(wrong("more than 12 decimals"));
    }
    let whole: Balance = whole.parse().map_err(|_| wrong("too large"))?;
    let rest: Balance = format!("{rest:0<12}")
        .parse()
        .map_err(|_| wrong("too large"))?;
    let total = whole.checked_mul(DREAM).and_then(|w| w.checked_add(rest));
    total.ok_or_else(|| wrong("too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_should_round_trip() {
        for (text, value) in [
            ("0", 0),
            ("1000", 1000 * DREAM),
            ("0.25", DREAM / 4),
            ("0.000000000001", 1),
        ] {
            assert_eq!(parse(text), Ok(value));
            assert_eq!(amount(value), format!("{text} DREAM"));
        }
        assert_eq!(amount(Balance::MAX).split('.').count(), 2);
    }

    #[test]
    fn wrong_amount_should_be_named() {
        for text in [
            "",
            "-1",
            "1,5",
            "1.",
            ".5",
            "1.0000000000001",
            "x",
            "999999999999999999999999999999999",
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
