//! Properties of the codecs: any bytes are decoded to a request or a fault, without a panic and within a short time.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use ecsws_sandbox::testing::service_model;
use ecsws_sandbox::testing::{EncodedRequest, Protocol};
use ecsws_sandbox::testing::{Fault, REGISTRY};

/// Bytes that resemble requests: CBOR, JSON and query parameters among random ones.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let json =
        prop::sample::select(vec!["{", "}", "[", "]", "\"a\"", ":", ",", "1e999", "-0", "null", "{\"a\":[{}]}", "\\u"]);
    let query = "(Action|Version|[A-Za-z]{1,8}|1|member|\\.|=|&|%[0-9a-f]{0,2}|\\+){1,40}";
    let nested = (1..3000usize, prop::sample::select(vec![0x81, 0x9f, 0xa1, 0xbf, 0xc1, b'[', b'{', b'.']));
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        prop::collection::vec(json, 0..60).prop_map(|parts| parts.concat().into_bytes()),
        query.prop_map(String::into_bytes),
        nested.prop_map(|(length, byte)| vec![byte; length]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_decoded_to_a_request_or_a_fault(
        bytes in body(),
        service in prop::sample::select(REGISTRY.services.to_vec()),
        operation in any::<prop::sample::Index>(),
        text in "[ -~é]{0,40}",
    ) {
        let operation = service.operations[operation.index(service.operations.len())].name;
        for protocol in service.protocols {
            let (target, path) = match protocol {
                Protocol::Json10 { target_prefix } | Protocol::Json11 { target_prefix } => {
                    (format!("{target_prefix}.{operation}"), "/".to_owned())
                }
                Protocol::Cbor { service } => (String::new(), format!("/service/{service}/operation/{operation}")),
                _ => (String::new(), "/".to_owned()),
            };
            let headers = BTreeMap::from([("x-amz-target".to_owned(), target)]);
            let query = match protocol {
                Protocol::Query { version, .. } | Protocol::Ec2Query { version, .. } => {
                    format!("Action={operation}&Version={version}&{text}")
                }
                _ => String::new(),
            };
            let incoming = EncodedRequest { headers: &headers, path: &path, query: &query, body: &bytes };
            let Ok(request) = protocol.decode(&incoming) else { continue };
            // Random bytes may name another operation.
            if let Some(model) = service.model() {
                let _ = service_model::read(model, &request.operation, protocol.input_encoding(), request.input);
            }
        }
    }

    #[test]
    fn any_value_can_be_encoded(value in values(), text in any::<String>()) {
        let fault = Fault::client(text.clone(), text);
        for service in REGISTRY.services {
            for protocol in service.protocols {
                let body = protocol.encode(service.model(), service.operations[0].name, "id", value.clone());
                let (_, fault) = protocol.encode_fault(service.model(), "id", &fault);
                if body.content_type.starts_with("text/xml") {
                    let text = String::from_utf8(fault.bytes).expect("XML is text");
                    prop_assert!(roxmltree::Document::parse(&text).is_ok(), "{text}");
                }
            }
        }
    }
}

fn values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec(("[A-Za-z]{1,9}", inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}
