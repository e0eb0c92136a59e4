// SPDX-License-Identifier: GPL-3.0-or-later
//! Lets this package's programs find libtorch without `LD_LIBRARY_PATH`: the training crate says where it lies.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=DEP_DREAM_TRAINING_LIBTORCH_LIB");
    if let Ok(folder) = std::env::var("DEP_DREAM_TRAINING_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
