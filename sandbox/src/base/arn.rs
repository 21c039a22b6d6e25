//! Amazon Resource Names.

/// The parts of an ARN: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arn<'a> {
    pub partition: &'a str,
    pub service: &'a str,
    /// Empty for services that are not regional.
    pub region: &'a str,
    /// Twelve digits; `aws` for resources of AWS's own.
    pub account: &'a str,
    /// Everything after the account, with the colons in it.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts[..] {
            ["arn", partition, service, region, account, resource] => {
                Some(Self { partition, service, region, account, resource })
            }
            _ => None,
        }
    }
}

/// Whether a text is an account's id: twelve digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::Arn;

    #[test]
    fn the_resource_may_contain_colons() {
        let arn = Arn::parse("arn:aws:logs:us-east-1:123456789012:log-group:/web:*").expect("an ARN");
        assert_eq!((arn.service, arn.account, arn.resource), ("logs", "123456789012", "log-group:/web:*"));
        assert_eq!(Arn::parse("arn:aws:logs:us-east-1"), None);
        assert_eq!(Arn::parse("web"), None);
    }
}
