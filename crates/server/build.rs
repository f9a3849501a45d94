//! Embeds the web app anew whenever it was built anew: names of its files hold their contents' hashes.

fn main() {
    println!("cargo:rerun-if-changed=../../web/dist");
}
