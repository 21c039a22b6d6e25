//! Tests of parsing the shared AWS files.

use super::*;

fn config(text: &str) -> SharedConfig {
    let mut profiles = SharedConfig::default();
    profiles.add_config(sections(text).expect("the syntax is valid"));
    profiles
}

#[test]
fn section_names_are_split_like_shell_words() {
    for (header, name) in [
        ("[profile a]", Some("a")),
        ("[profile   a  ]", Some("a")),
        ("[profile 'my dev']", Some("my dev")),
        ("[profile \"my dev\"]", Some("my dev")),
        ("[profile my\\ dev]", Some("my dev")),
        ("[profile \"it's\"]", Some("it's")),
        ("[profile \"a\\\"b\\$\"]", Some("a\"b\\$")),
        ("[profile #1]", Some("#1")),
        ("[profile a'b c'd]", Some("ab cd")),
        ("[profile für-uns]", Some("für-uns")),
        ("[profile a] # a comment", Some("a")),
        ("[default]", Some("default")),
        ("[profile my dev]", None),
        ("[profile 'my dev]", None),
        ("[profile]", None),
        ("[my-dev]", None),
        ("[sso-session a]", None),
    ] {
        let profiles = config(&format!("{header}\nregion = eu-west-1\n"));
        assert_eq!(profiles.names().collect::<Vec<_>>(), name.into_iter().collect::<Vec<_>>(), "{header}");
    }
}

#[test]
fn values_are_parsed_like_by_pythons_configparser() {
    let text = "[profile a]\n  Region: eu-west-1\n  output=json\n# a comment\n  s3 =\n    max_queue_size = 1\n\n    \
                max_bandwidth = 2\n\n  role_arn = arn:aws:iam::1:role/a\n[profile b]\nregion =\n";
    let profiles = config(text);
    let section = profiles.profile("a").expect("the profile exists");
    let value = |key: &str| section.get(key).map(String::as_str);
    assert_eq!(value("region"), Some("eu-west-1"));
    assert_eq!(value("output"), Some("json"));
    assert_eq!(value("s3"), Some("\nmax_queue_size = 1\nmax_bandwidth = 2"));
    assert_eq!(value("role_arn"), Some("arn:aws:iam::1:role/a"));
    assert_eq!(profiles.profile("b").and_then(|section| section.get("region")), Some(&String::new()));
}

#[test]
fn a_syntax_error_has_its_line_number() {
    for (text, line) in [
        ("region = eu-west-1\n", 1),
        ("[default]\nregion\n", 2),
        ("[default]\n\n# comment\n= a\n", 4),
        ("[default\nregion = a\n", 1),
        ("[]\n", 1),
        ("[default]\ns3 =\n  max_queue_size = 1\n  nonsense\n", 4),
    ] {
        assert_eq!(sections(text).map_err(|(line, _)| line), Err(line), "{text}");
    }
}

#[test]
fn the_prefixed_default_profile_takes_precedence() {
    for text in ["[default]\na = 1\nb = 1\n[profile default]\na = 2\n", "[profile default]\na = 2\n[default]\na = 1\n"]
    {
        assert_eq!(config(text).profile("default"), Some(&ProfileSection::from([("a".to_owned(), "2".to_owned())])));
    }
}

#[test]
fn section_names_are_encoded_for_the_sdk() {
    let mut text = String::new();
    let section = ProfileSection::from([
        ("source_profile".to_owned(), "it's".to_owned()),
        ("s3".to_owned(), "\na = 1".to_owned()),
        ("region".to_owned(), "eu-west-1".to_owned()),
    ]);
    write_section(&mut text, "profile", "my dev%", &section);
    assert_eq!(text, "[profile my%20dev%25]\nregion = eu-west-1\ns3 = \n  a = 1\nsource_profile = it%27s\n");
    for plain in ["default", "a-b_c.d/e@f:g+h"] {
        assert_eq!(sdk_name(plain), plain);
    }
    for name in ["my dev", "a%20b", "für-uns", "100%"] {
        assert_eq!(decode_sdk_names(&format!("no `{}`", sdk_name(name))), format!("no `{name}`"));
    }
    assert_eq!(decode_sdk_names("50% of %zz"), "50% of %zz");
}
