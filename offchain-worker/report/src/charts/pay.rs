// SPDX-License-Identifier: GPL-3.0-or-later
//! Pay per account, as bars.

use crate::data::ReportData;
use crate::svg::{Anchor, Drawing};
use crate::text::{amount, exact_amount, shorten};

/// Accounts that are drawn; the page's table has them all.
const MOST: usize = 24;
const ROW: f64 = 40.0;

/// Draws the chart `width` pixels wide, the best paid first.
pub fn pay(data: &ReportData, width: f64) -> Drawing {
    let mut accounts: Vec<_> = data.accounts.iter().collect();
    accounts.sort_by(|a, b| b.earned.cmp(&a.earned).then_with(|| a.name.cmp(&b.name)));
    let left_out = accounts.len().saturating_sub(MOST);
    accounts.truncate(MOST);

    let top = 30.0;
    let rows = accounts.len() as f64 + if left_out > 0 { 1.0 } else { 0.0 };
    let mut d = Drawing::new(width, top + ROW * rows.max(1.0));
    if accounts.is_empty() {
        d.text(
            "muted",
            width / 2.0,
            top + 10.0,
            14.0,
            Anchor::Middle,
            "Nobody has taken part yet",
        );
        return d;
    }
    d.rect("bar", 0.0, 2.0, 12.0, 12.0, 3.0);
    d.text("muted", 18.0, 12.0, 12.0, Anchor::Start, "released");
    d.rect("bar-vesting", 92.0, 2.0, 12.0, 12.0, 3.0);
    d.text("muted", 110.0, 12.0, 12.0, Anchor::Start, "still vesting");

    let narrow = width < 500.0;
    let (label, value) = if narrow {
        (104.0, 74.0)
    } else {
        (150.0, 110.0)
    };
    let most = accounts.iter().map(|a| a.earned).max().unwrap_or(0);
    let scale = |part: u128| {
        if most == 0 {
            0.0
        } else {
            part as f64 / most as f64 * (width - label - value)
        }
    };
    for (i, account) in accounts.iter().enumerate() {
        let y = top + ROW * i as f64;
        let vesting = account.vesting.min(account.earned);
        let exact = |part| exact_amount(part, data.token_decimals);
        let title = format!(
            "{}: {} {symbol}, of which {} {symbol} still vest",
            account.name,
            exact(account.earned),
            exact(vesting),
            symbol = data.token_symbol
        );
        d.titled(&title, |d| {
            d.text(
                "ink",
                0.0,
                y + 15.0,
                13.0,
                Anchor::Start,
                &shorten(&account.name, if narrow { 13 } else { 18 }),
            );
            let roles = shorten(&account.roles.join(", "), if narrow { 17 } else { 24 });
            d.text("muted", 0.0, y + 29.0, 11.0, Anchor::Start, &roles);
            d.rect("track", label, y + 8.0, width - label - value, 16.0, 4.0);
            if account.earned > 0 {
                let whole = scale(account.earned).max(3.0);
                d.rect("bar-vesting", label, y + 8.0, whole, 16.0, 4.0);
                let free = scale(account.earned - vesting);
                if free > 0.0 {
                    d.rect("bar", label, y + 8.0, free.max(3.0), 16.0, 4.0);
                }
            }
            d.text(
                "strong",
                width,
                y + 21.0,
                13.0,
                Anchor::End,
                &amount(account.earned, data.token_decimals),
            );
        });
    }
    if left_out > 0 {
        let y = top + ROW * accounts.len() as f64;
        d.text(
            "muted",
            0.0,
            y + 20.0,
            12.0,
            Anchor::Start,
            &format!("and {left_out} more in the table"),
        );
    }
    d
}
