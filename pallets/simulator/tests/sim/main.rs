// SPDX-License-Identifier: GPL-3.0-or-later
//! Rounds on the project's own pallets: threats one by one, many rounds at random, figures, and the page of threats.

mod detection;
mod footprint;
mod mass;
mod page;
mod threats;
