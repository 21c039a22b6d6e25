//! Cloud Map: namespaces, services and their instances.

use aws_sdk_servicediscovery::Client;
use aws_sdk_servicediscovery::types::{NamespaceFilter, NamespaceFilterName, ServiceFilter, ServiceFilterName};

use super::{Aws, AwsError, AwsErrorKind, Result, client, or_empty};
use crate::model::{DiscoveryInstance, DiscoveryService};

impl Aws {
    fn cloud_map(&self) -> &Client {
        self.cloud_map.get_or_init(|| client!(aws_sdk_servicediscovery, self))
    }

    /// The id (`srv-…`) of the service with this name in a namespace.
    pub async fn discovery_service_id(&self, namespace_id: &str, name: &str) -> Result<Option<String>> {
        let action = format!("list the Cloud Map services of namespace `{namespace_id}`");
        let filter = ServiceFilter::builder().name(ServiceFilterName::NamespaceId).values(namespace_id);
        let filter = filter.build().map_err(|error| AwsError::new(&action, AwsErrorKind::Other, error.to_string()))?;
        let mut pages = self.cloud_map().list_services().filters(filter).into_paginator().send();
        while let Some(page) = pages.next().await {
            let services = page.map_err(|error| self.error(&action, error))?.services.unwrap_or_default();
            if let Some(service) = services.into_iter().find(|service| service.name.as_deref() == Some(name)) {
                return Ok(service.id);
            }
        }
        Ok(None)
    }

    /// The ids (`ns-…`) of the private DNS namespaces with this name: there may be one in each VPC.
    pub async fn private_namespace_ids(&self, name: &str) -> Result<Vec<String>> {
        let action = "list the Cloud Map namespaces";
        let filter = NamespaceFilter::builder().name(NamespaceFilterName::Type).values("DNS_PRIVATE");
        let filter = filter.build().map_err(|error| AwsError::new(action, AwsErrorKind::Other, error.to_string()))?;
        let mut pages = self.cloud_map().list_namespaces().filters(filter).into_paginator().send();
        let mut ids = Vec::new();
        while let Some(page) = pages.next().await {
            let namespaces = page.map_err(|error| self.error(action, error))?.namespaces.unwrap_or_default();
            let named = namespaces.into_iter().filter(|namespace| namespace.name.as_deref() == Some(name));
            ids.extend(named.filter_map(|namespace| namespace.id));
        }
        Ok(ids)
    }

    /// A Cloud Map service by its ARN, `arn:aws:servicediscovery:REGION:ACCOUNT:service/srv-…`.
    pub async fn discovery_service(&self, arn: &str) -> Result<DiscoveryService> {
        let id = arn.rsplit('/').next().unwrap_or_default();
        let action = format!("read Cloud Map service `{id}`");
        let response =
            self.cloud_map().get_service().id(id).send().await.map_err(|error| self.error(&action, error))?;
        let service = response.service;
        let namespace_id = service.as_ref().and_then(|service| service.namespace_id.clone()).unwrap_or_default();
        let call = self.cloud_map().get_namespace().id(namespace_id);
        let namespace = call.send().await.map_err(|error| self.error(&action, error))?.namespace;
        let mut instances = Vec::new();
        let mut pages = self.cloud_map().list_instances().service_id(id).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.error(&action, error))?;
            instances.extend(page.instances.unwrap_or_default().into_iter().map(|instance| {
                let mut attributes = instance.attributes.unwrap_or_default();
                DiscoveryInstance {
                    id: or_empty(instance.id),
                    address: attributes.remove("AWS_INSTANCE_IPV4").unwrap_or_default(),
                    port: attributes.remove("AWS_INSTANCE_PORT"),
                }
            }));
        }
        let names = (service.and_then(|service| service.name), namespace.and_then(|namespace| namespace.name));
        Ok(DiscoveryService { name: format!("{}.{}", or_empty(names.0), or_empty(names.1)), instances })
    }
}
