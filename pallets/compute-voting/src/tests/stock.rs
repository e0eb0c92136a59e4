// SPDX-License-Identifier: GPL-3.0-or-later
//! That calls, events, storage and tally are those that wallets know.

use super::*;
use crate::{Call, ClassOf, TallyOf, VotingOf};
use polkadot_sdk::pallet_conviction_voting as stock;
use scale_info::form::MetaForm;
use scale_info::{Field, TypeDef, TypeInfo, Variant};

fn variants<T: TypeInfo>() -> Vec<Variant<MetaForm>> {
    match T::type_info().type_def {
        TypeDef::Variant(all) => all.variants,
        other => panic!("{other:?} is no enumeration"),
    }
}

/// Index, name, and the name and type of each field.
fn shape(variant: &Variant<MetaForm>) -> (u8, &'static str, Vec<Field<MetaForm>>) {
    let plain = |field: &Field<MetaForm>| Field {
        docs: Vec::new(),
        type_name: None,
        ..field.clone()
    };
    let fields = variant.fields.iter().map(plain).collect();
    (variant.index, variant.name, fields)
}

/// All of the stock enumeration's variants that are not PhantomData, and as many of ours.
fn compare<Ours: TypeInfo, Stock: TypeInfo>(count: usize) {
    let (ours, stock) = (variants::<Ours>(), variants::<Stock>());
    let stock: Vec<_> = stock
        .iter()
        .map(shape)
        .filter(|v| !v.1.starts_with("__"))
        .collect();
    assert_eq!(stock.len(), count);
    let ours: Vec<_> = ours.iter().map(shape).take(count).collect();
    assert_eq!(ours, stock);
}

#[test]
fn calls_should_have_the_stock_indices_names_and_arguments() {
    compare::<Call<Test>, stock::Call<Test>>(6);
    assert_eq!(variants::<Call<Test>>().last().unwrap().name, "poke");
}

#[test]
fn events_should_have_the_stock_indices_names_and_fields() {
    compare::<Event<Test>, stock::Event<Test>>(5);
}

#[test]
fn encoded_calls_should_be_the_stock_ones() {
    use codec::Encode;
    let ours = [
        Call::<Test>::vote {
            poll_index: 70,
            vote: aye(Locked6x, 5),
        }
        .encode(),
        Call::<Test>::delegate {
            class: 1,
            to: ANNA,
            conviction: Locked3x,
            balance: 9,
        }
        .encode(),
        Call::<Test>::remove_vote {
            class: Some(2),
            index: 70,
        }
        .encode(),
    ];
    let stock = [
        stock::Call::<Test>::vote {
            poll_index: 70,
            vote: aye(Locked6x, 5),
        }
        .encode(),
        stock::Call::<Test>::delegate {
            class: 1,
            to: ANNA,
            conviction: Locked3x,
            balance: 9,
        }
        .encode(),
        stock::Call::<Test>::remove_vote {
            class: Some(2),
            index: 70,
        }
        .encode(),
    ];
    assert_eq!(ours, stock);
}

#[test]
fn storage_should_have_the_stock_names_keys_and_values() {
    // The first 16 bytes are the name of the mounted pallet.
    let ours = VotingFor::<Test>::hashed_key_for(ANNA, 1);
    let theirs = stock::VotingFor::<Test>::hashed_key_for(ANNA, 1);
    assert_eq!(ours[16..], theirs[16..]);
    let ours = ClassLocksFor::<Test>::hashed_key_for(BERT);
    let theirs = stock::ClassLocksFor::<Test>::hashed_key_for(BERT);
    assert_eq!(ours[16..], theirs[16..]);

    fn same<T>(_: Option<T>, _: Option<T>) {}
    same(None::<VotingOf<Test>>, None::<stock::VotingOf<Test>>);
    same(None::<TallyOf<Test>>, None::<stock::TallyOf<Test>>);
    same(None::<ClassOf<Test>>, None::<stock::ClassOf<Test>>);
    externalities().execute_with(|| {
        same(
            Some(ClassLocksFor::<Test>::get(ANNA)),
            Some(stock::ClassLocksFor::<Test>::get(ANNA)),
        );
    });
}

#[test]
fn tally_should_have_the_fields_that_wallets_look_for() {
    let TypeDef::Composite(tally) = TallyOf::<Test>::type_info().type_def else {
        panic!("a tally is a structure");
    };
    let names: Vec<_> = tally.fields.iter().filter_map(|f| f.name).collect();
    assert_eq!(names[..3], ["ayes", "nays", "support"]);
}
