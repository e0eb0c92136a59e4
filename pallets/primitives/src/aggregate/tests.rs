// SPDX-License-Identifier: GPL-3.0-or-later
//! Aggregation against an independent floating-point reference.
