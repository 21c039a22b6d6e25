// Builds the stacks of an ecsws.toml with the real AWS CDK, as a CDK user would write them, with all defaults left to the CDK. `cdk = 1`
// uses @aws-cdk/* 1.204, `cdk = 2` uses aws-cdk-lib 2.275.
const fs = require('fs');
const os = require('os');
const path = require('path');
const { parse } = require('smol-toml');

const libraries = {
  1: () => ({
    core: require('@aws-cdk/core'), ec2: require('@aws-cdk/aws-ec2'), ecs: require('@aws-cdk/aws-ecs'),
    iam: require('@aws-cdk/aws-iam'), logs: require('@aws-cdk/aws-logs'), ssm: require('@aws-cdk/aws-ssm'),
    secretsmanager: require('@aws-cdk/aws-secretsmanager'), servicediscovery: require('@aws-cdk/aws-servicediscovery'),
  }),
  2: () => ({
    core: require('aws-cdk-lib'), ec2: require('aws-cdk-lib/aws-ec2'), ecs: require('aws-cdk-lib/aws-ecs'),
    iam: require('aws-cdk-lib/aws-iam'), logs: require('aws-cdk-lib/aws-logs'), ssm: require('aws-cdk-lib/aws-ssm'),
    secretsmanager: require('aws-cdk-lib/aws-secretsmanager'), servicediscovery: require('aws-cdk-lib/aws-servicediscovery'),
  }),
};

const pascalCase = (key) => key.split(/[-_]/).map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('');

/** The templates by stack name. `specText` and `lockText` are the texts of ecsws.toml and ecsws.lock. */
function synth(specText, lockText) {
  const spec = parse(specText);
  const lock = parse(lockText);
  const aws = libraries[spec.cdk ?? 2]();
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'ecsws-cdk-'));
  const app = new aws.core.App({
    outdir,
    analyticsReporting: false,
    context: { 'aws:cdk:enable-path-metadata': true, 'aws:cdk:disable-version-reporting': true, ...contextOf(lock) },
  });
  const stackOf = (name) => new aws.core.Stack(app, name, {
    env: { ...spec.target }, tags: { ...spec.tags }, synthesizer: new aws.core.LegacyStackSynthesizer(),
  });
  const platform = spec.platform ?? {};
  if (platform.stack) platformStack(aws, stackOf(platform.stack.name ?? 'ecsworkshop-base'), platform.stack);
  for (const [key, service] of Object.entries(spec.services ?? {})) {
    serviceStack(aws, stackOf(service.stack ?? `ecsworkshop-${key}`), key, service, platform);
  }
  const templates = app.synth().stacks.map((stack) => [stack.stackName, stack.template]);
  fs.rmSync(outdir, { recursive: true });
  return Object.fromEntries(templates);
}

// The look-up results that the cdk command line would store in cdk.context.json.
function contextOf(lock) {
  const context = {};
  for (const { account, region, names } of lock.availability_zones ?? []) {
    context[`availability-zones:account=${account}:region=${region}`] = names;
  }
  for (const vpc of lock.vpc ?? []) {
    const subnets = (ids) => ids.map((subnetId, index) => ({
      subnetId, availabilityZone: `${vpc.region}${'abcdef'[index]}`, routeTableId: `rtb-${index}`,
    }));
    const groups = [];
    if (vpc.public_subnets.length) groups.push({ name: 'Public', type: 'Public', subnets: subnets(vpc.public_subnets) });
    if (vpc.private_subnets.length) groups.push({ name: 'Private', type: 'Private', subnets: subnets(vpc.private_subnets) });
    const answer = { vpcId: vpc.id, vpcCidrBlock: '10.0.0.0/24', availabilityZones: [], subnetGroups: groups };
    for (const extra of ['', ':returnAsymmetricSubnets=true', ':returnAsymmetricSubnets=true:returnVpnGateways=true']) {
      context[`vpc-provider:account=${vpc.account}:filter.tag:Name=${vpc.name}:region=${vpc.region}${extra}`] = answer;
    }
  }
  return context;
}

function serviceStack({ core, ec2, ecs, iam, logs, ssm, secretsmanager, servicediscovery }, stack, key, service, platform) {
  const seconds = (text) => (text === undefined ? undefined : core.Duration.seconds(durationSeconds(text)));
  const reference = (value, fallback) => {
    const chosen = value ?? { import: fallback };
    return typeof chosen === 'string' ? chosen : core.Fn.importValue(chosen.import);
  };
  const vpcName = platform.vpc ?? (platform.stack ? `${platform.stack.name ?? 'ecsworkshop-base'}/BaseVPC` : 'ecsworkshop-base/BaseVPC');
  const subnets = platform.subnets?.map((id, index) => ec2.Subnet.fromSubnetAttributes(stack, `Subnet${index}`, { subnetId: id, availabilityZone: 'x' }));
  const vpc = subnets
    ? ec2.Vpc.fromVpcAttributes(stack, 'VPC', { vpcId: 'vpc-0', availabilityZones: ['x'], privateSubnetIds: ['subnet-0'] })
    : ec2.Vpc.fromLookup(stack, 'VPC', { tags: { Name: vpcName } });
  const cluster = ecs.Cluster.fromClusterAttributes(stack, 'ECSCluster', {
    vpc, securityGroups: [], clusterName: reference(platform.cluster, 'ECSClusterName'),
  });
  const namespace = servicediscovery.PrivateDnsNamespace.fromPrivateDnsNamespaceAttributes(stack, 'SDNamespace', {
    namespaceArn: 'arn', namespaceName: 'name', namespaceId: reference(platform.namespace, 'NSID'),
  });
  const securityGroup = ec2.SecurityGroup.fromSecurityGroupId(stack, 'SecurityGroup', reference(platform.security_group, 'ServicesSecGrp'));

  const kinds = [...(service.compatibility ?? ['FARGATE'])].sort().join('+');
  const task = new ecs.TaskDefinition(stack, service.task_id ?? 'TaskDef', {
    compatibility: { FARGATE: ecs.Compatibility.FARGATE, 'EC2+FARGATE': ecs.Compatibility.EC2_AND_FARGATE }[kinds],
    cpu: String(service.cpu), memoryMiB: String(service.memory),
  });
  const log = service.logs ?? {};
  const own = ['id', 'group', 'retention_days', 'removal'].some((key) => log[key] !== undefined);
  const container = service.container;
  const secrets = Object.entries(container.secrets ?? {}).map(([name, source], index) => {
    const [scheme, rest] = [source.slice(0, source.indexOf(':')), source.slice(source.indexOf(':') + 1)];
    const secret = scheme === 'ssm'
      ? ecs.Secret.fromSsmParameter(ssm.StringParameter.fromSecureStringParameterAttributes(stack, `Secret${index}`, { parameterName: rest }))
      : ecs.Secret.fromSecretsManager(secretsmanager.Secret.fromSecretNameV2(stack, `Secret${index}`, rest));
    return [name, secret];
  });
  const health = container.health_check;
  const ports = (container.ports ?? (container.port === undefined ? [] : [container.port])).map(portOf);
  const { INFINITE } = logs.RetentionDays;
  const logGroup = own
    ? new logs.LogGroup(stack, log.id ?? 'Logs', { 
      logGroupName: log.group, retention: log.retention_days === 'infinite' ? INFINITE : log.retention_days,
      removalPolicy: { retain: core.RemovalPolicy.RETAIN, destroy: core.RemovalPolicy.DESTROY }[log.removal],
    })
    : undefined;
  task.addContainer(container.id ?? key, {
    image: ecs.ContainerImage.fromRegistry(container.image),
    containerName: container.name,
    command: container.command,
    environment: container.environment,
    secrets: secrets.length ? Object.fromEntries(secrets) : undefined,
    memoryLimitMiB: container.memory,
    memoryReservationMiB: container.memory_reservation,
    healthCheck: health && {
      command: health.command, interval: seconds(health.interval), timeout: seconds(health.timeout), retries: health.retries,
      startPeriod: seconds(health.start_period),
    },
    portMappings: ports.length ? ports.map(({ number, protocol }) => ({ containerPort: number, protocol: protocol && ecs.Protocol[protocol] })) : undefined,
    logging: ecs.LogDriver.awsLogs({ streamPrefix: log.prefix ?? stack.stackName, logGroup }),
  });
  const scaling = service.autoscaling;
  const deployment = service.deployment ?? {};
  const fargate = new ecs.FargateService(stack, service.id ?? `${pascalCase(key)}FargateService`, {
    serviceName: service.name,
    taskDefinition: task, cluster,
    desiredCount: service.count ?? (scaling ? undefined : 1),
    minHealthyPercent: deployment.min_healthy_percent ?? 50,
    maxHealthyPercent: deployment.max_percent ?? 200,
    circuitBreaker: deployment.circuit_breaker ? { rollback: true } : undefined,
    securityGroups: [securityGroup],
    vpcSubnets: subnets && { subnets },
    assignPublicIp: service.public_ip,
    platformVersion: service.platform_version,
    enableExecuteCommand: service.exec ? true : undefined,
    cloudMapOptions: service.discovery === undefined ? undefined : { cloudMapNamespace: namespace, name: service.discovery },
  });
  for (const { actions, resources } of service.task_policy ?? []) {
    task.addToTaskRolePolicy(new iam.PolicyStatement({ actions, resources }));
  }
  if (scaling) {
    const target = fargate.autoScaleTaskCount({ minCapacity: scaling.min, maxCapacity: scaling.max });
    const policy = (metric) => ({
      targetUtilizationPercent: metric.target,
      scaleInCooldown: seconds(metric.scale_in_cooldown), scaleOutCooldown: seconds(metric.scale_out_cooldown),
    });
    if (scaling.cpu) target.scaleOnCpuUtilization('CPUAutoscaling', policy(scaling.cpu));
    if (scaling.memory) target.scaleOnMemoryUtilization('MemoryAutoscaling', policy(scaling.memory));
  }
}

function platformStack({ core, ec2, ecs, iam }, stack, options) {
  const namespaceName = options.namespace ?? 'service';
  const vpc = new ec2.Vpc(stack, 'BaseVPC', { cidr: options.cidr ?? '10.0.0.0/24' });
  const cluster = new ecs.Cluster(stack, 'ECSCluster', {
    vpc, clusterName: options.cluster_name ?? 'container-demo', containerInsights: options.container_insights ?? true,
  });
  const namespace = cluster.addDefaultCloudMapNamespace({ name: namespaceName });
  const group = new ec2.SecurityGroup(stack, 'FrontendToBackendSecurityGroup', {
    vpc, description: 'Security group for frontend service to talk to backend services', allowAllOutbound: true,
  });
  for (const { number, protocol } of (options.ports ?? [3000]).map(portOf)) {
    new ec2.CfnSecurityGroupIngress(stack, `InboundSecGrp${number}${protocol === 'UDP' ? 'UDP' : ''}`, {
      ipProtocol: protocol ?? 'TCP', fromPort: number, toPort: number, groupId: group.securityGroupId, sourceSecurityGroupId: group.securityGroupId,
    });
  }
  let instance;
  if (options.stress_tool ?? true) {
    const role = new iam.Role(stack, 'InstanceSSM', {
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
      managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonEC2RoleforSSM')],
    });
    instance = new ec2.Instance(stack, 'Instance', {
      instanceType: new ec2.InstanceType('t3.medium'), instanceName: `${stack.stackName}-stresstool`, role, vpc, securityGroup: group,
      machineImage: ec2.MachineImage.fromSsmParameter(
        '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64', { os: ec2.OperatingSystemType.LINUX }),
    });
  }
  const output = (id, value, exportName) => new core.CfnOutput(stack, id, { value, exportName });
  output('NSArn', namespace.namespaceArn, 'NSARN');
  output('NSName', namespace.namespaceName, 'NSNAME');
  output('NSId', namespace.namespaceId, 'NSID');
  output('FE2BESecGrp', group.securityGroupId, 'SecGrpId');
  output('ECSClusterName', cluster.clusterName, 'ECSClusterName');
  output('ECSClusterSecGrp', JSON.stringify(cluster.connections.securityGroups), 'ECSSecGrpList');
  output('ServicesSecGrp', group.securityGroupId, 'ServicesSecGrp');
  if (instance) {
    output('StressToolEc2Id', instance.instanceId);
    output('StressToolEc2Ip', instance.instancePrivateIp);
  }
}

// `80` or `"53/udp"`.
function portOf(port) {
  const [number, protocol] = String(port).split('/');
  return { number: Number(number), protocol: protocol?.toUpperCase() };
}

function durationSeconds(text) {
  const units = { s: 1, m: 60, h: 3600 };
  return [...text.matchAll(/(\d+)([smh])/g)].reduce((sum, [, amount, unit]) => sum + Number(amount) * units[unit], 0);
}

module.exports = { synth };
