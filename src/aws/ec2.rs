//! EC2 look-ups through the Query protocol, because the typed client takes longer to compile than all the others together.

mod endpoint;
mod query;

use aws_smithy_types::error::ErrorMetadata;
use roxmltree::{Document, Node};

use super::{Aws, AwsError, AwsErrorKind, Result};
use crate::model::{Subnet, Vpc};

/// EC2's API version, unchanged since 2016.
const VERSION: &str = "2016-11-15";

impl Aws {
    /// The VPCs with this Name tag, without their subnets.
    pub async fn vpc_ids(&self, name: &str) -> Result<Vec<String>> {
        let action = format!("look up the VPC `{name}`");
        let filters = [("Filter.1.Name", "tag:Name"), ("Filter.1.Value.1", name)];
        self.ec2(&action, "DescribeVpcs", &filters, |response| {
            items(response, "vpcSet").map(|vpc| child(vpc, "vpcId")).collect()
        })
        .await
    }

    /// A VPC's subnets and which of them are public.
    pub async fn vpc(&self, id: &str) -> Result<Vpc> {
        let action = format!("look up the subnets of VPC `{id}`");
        let filters = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", id)];
        let tables: Vec<RouteTable> = self
            .ec2(&action, "DescribeRouteTables", &filters, |response| {
                items(response, "routeTableSet").map(route_table).collect()
            })
            .await?;
        let mut subnets: Vec<Subnet> = self
            .ec2(&action, "DescribeSubnets", &filters, |response| {
                items(response, "subnetSet").map(|subnet| read_subnet(subnet, &tables)).collect()
            })
            .await?;
        subnets.sort_by(|a, b| (&a.zone, &a.id).cmp(&(&b.zone, &b.id)));
        Ok(Vpc { id: id.to_owned(), subnets })
    }

    /// The names of the region's available zones, sorted.
    pub async fn availability_zones(&self) -> Result<Vec<String>> {
        let filters = [("Filter.1.Name", "zone-type"), ("Filter.1.Value.1", "availability-zone")];
        let mut zones: Vec<String> = self
            .ec2("list the availability zones", "DescribeAvailabilityZones", &filters, |response| {
                let available =
                    items(response, "availabilityZoneInfo").filter(|zone| child(*zone, "zoneState") == "available");
                available.map(|zone| child(zone, "zoneName")).collect()
            })
            .await?;
        zones.sort();
        Ok(zones)
    }

    /// Calls an operation for all pages and reads each response.
    async fn ec2<T>(
        &self,
        action: &str,
        operation: &'static str,
        parameters: &[(&str, &str)],
        read: impl Fn(Node<'_, '_>) -> Vec<T>,
    ) -> Result<Vec<T>> {
        let mut results = Vec::new();
        let mut token = String::new();
        loop {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("Action", operation).append_pair("Version", VERSION).extend_pairs(parameters);
            if !token.is_empty() {
                form.append_pair("NextToken", &token);
            }
            let response = self.query(action, operation, form.finish()).await?;
            let not_ec2 = |_| AwsError::new(action, AwsErrorKind::Other, "unexpected response, not XML");
            let document = Document::parse(&response).map_err(not_ec2)?;
            results.extend(read(document.root_element()));
            token = child(document.root_element(), "nextToken");
            if token.is_empty() {
                return Ok(results);
            }
        }
    }
}

/// The code and message of an error response; neither if the response is not EC2's.
fn error(body: &str) -> ErrorMetadata {
    let document = Document::parse(body).ok();
    let error = document.as_ref().and_then(|document| document.descendants().find(|node| node.has_tag_name("Error")));
    let text = |name| error.and_then(|error| element(error, name)?.text());
    let mut metadata = ErrorMetadata::builder();
    if let Some(code) = text("Code") {
        metadata = metadata.code(code);
    }
    if let Some(message) = text("Message") {
        metadata = metadata.message(message);
    }
    metadata.build()
}

struct RouteTable {
    main: bool,
    subnets: Vec<String>,
    has_internet_route: bool,
}

fn route_table(table: Node<'_, '_>) -> RouteTable {
    RouteTable {
        main: items(table, "associationSet").any(|association| child(association, "main") == "true"),
        subnets: items(table, "associationSet").map(|association| child(association, "subnetId")).collect(),
        has_internet_route: items(table, "routeSet").any(|route| child(route, "gatewayId").starts_with("igw-")),
    }
}

/// Reads a subnet. As in the CDK, it is public if its own route table, or else the VPC's main one, has a route to an internet gateway.
fn read_subnet(subnet: Node<'_, '_>, tables: &[RouteTable]) -> Subnet {
    let id = child(subnet, "subnetId");
    let own = tables.iter().find(|table| table.subnets.contains(&id));
    let table = own.or_else(|| tables.iter().find(|table| table.main));
    let mut tags = items(subnet, "tagSet").filter(|tag| child(*tag, "key") == "aws-cdk:subnet-type");
    Subnet {
        zone: child(subnet, "availabilityZone"),
        cdk_type: tags.next().map(|tag| child(tag, "value")),
        public: table.is_some_and(|table| table.has_internet_route),
        id,
    }
}

/// The `item`s of the list `name` of a node.
fn items<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    name: &str,
) -> impl Iterator<Item = Node<'a, 'input>> + use<'a, 'input> {
    let list = element(node, name);
    list.into_iter().flat_map(|list| list.children().filter(|item| item.tag_name().name() == "item"))
}

fn element<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.tag_name().name() == name)
}

fn child(node: Node<'_, '_>, name: &str) -> String {
    element(node, name).and_then(|node| node.text()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_code_and_message_of_its_body() {
        let body = "<Response><Errors><Error><Code>AuthFailure</Code><Message>AWS was not able to validate the \
                    provided access credentials</Message></Error></Errors></Response>";
        let metadata = error(body);
        assert_eq!(metadata.code(), Some("AuthFailure"));
        assert_eq!(metadata.message(), Some("AWS was not able to validate the provided access credentials"));
        assert_eq!(error("Bad Gateway"), ErrorMetadata::builder().build());
    }
}
