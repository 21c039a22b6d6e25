//! `ecsws.lock`.

use ecsws::stack::{Environment, Lock, Subnets, VpcContext};
use ecsws::testing::diagnostic::Diagnostics;

use super::listing;

#[test]
fn a_lock_round_trips() {
    let environment = Environment { account: "123456789012".to_owned(), region: "us-east-1".to_owned() };
    let subnets = |letter: char| (1..=2).map(|number| format!("subnet-0{letter}{number}")).collect::<Vec<_>>();
    let vpc = VpcContext {
        id: "vpc-0a1b2c3d4e5f60718".to_owned(),
        subnets: Subnets { public: subnets('a'), private: subnets('b') },
    };
    let mut lock = Lock::default();
    lock.pin_vpc(&environment, "say \"hi\"", vpc.clone());
    lock.pin_vpc(&environment, "say \"hi\"", vpc);
    lock.pin_zones(&environment, vec!["us-east-1a".to_owned()]);
    insta::assert_snapshot!(lock.to_toml());
    let read = Lock::parse(&lock.to_toml()).unwrap();
    assert_eq!(read, lock);
    assert_eq!(read.only_environment(), Some(&environment));
}

#[test]
fn all_errors_of_a_lock_are_reported_together() {
    let Diagnostics(diagnostics) =
        Lock::parse("version = 2\n[[vpc]]\naccount = \"1\"\nid = \"x\"\n[zones]\n").unwrap_err();
    insta::assert_snapshot!(listing(&diagnostics));
}
