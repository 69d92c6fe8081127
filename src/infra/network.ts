import type { DeploymentSettings } from "./settings.ts";

/** Where tasks run, as a cluster takes it, and whether they need an address of their own to reach the world. */
export interface Network {
  readonly vpc: sst.aws.ClusterArgs["vpc"];
  readonly assignsPublicIp: boolean;
}

/**
 * public: no NAT, which alone would cost more than everything else together; tasks have a public address and take no
 * connection. private: no address, through NAT. existing: as it is.
 */
export function createNetwork(settings: DeploymentSettings): Network {
  switch (settings.DEPLOY_NETWORK) {
    case "public":
      return createPublicNetwork();
    case "private":
      return createPrivateNetwork();
    case "existing":
      return useNetwork(settings);
  }
}

const ADDRESSES = "10.0.0.0/16";
const SUBNETS = ["10.0.0.0/20", "10.0.16.0/20"];

/** Only parts that cost nothing while idle: SST's own network would bring a DNS zone, for a monthly fee. */
function createPublicNetwork(): Network {
  const vpc = new aws.ec2.Vpc("Network", {
    cidrBlock: ADDRESSES,
    enableDnsHostnames: true,
    tags: { Name: `${$app.name}-${$app.stage}` },
  });
  const gateway = new aws.ec2.InternetGateway("NetworkGateway", { vpcId: vpc.id });
  const routes = new aws.ec2.RouteTable("NetworkRoutes", {
    vpcId: vpc.id,
    routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: gateway.id }],
  });
  const zones = aws.getAvailabilityZonesOutput({ state: "available" }).names;
  const subnets = SUBNETS.map((cidrBlock, index) => {
    const availabilityZone = zones.apply((names) => names[index % names.length] ?? "");
    const name = `NetworkSubnet${index + 1}`;
    const subnet = new aws.ec2.Subnet(name, { vpcId: vpc.id, cidrBlock, availabilityZone });
    new aws.ec2.RouteTableAssociation(name, { subnetId: subnet.id, routeTableId: routes.id });
    return subnet.id;
  });
  return { vpc: networkOf(vpc.id, subnets), assignsPublicIp: true };
}

function createPrivateNetwork(): Network {
  const vpc = new sst.aws.Vpc("Network", { nat: "managed" });
  return { vpc: networkOf(vpc.id, vpc.privateSubnets), assignsPublicIp: false };
}

/** Named by parts, SST makes neither a Cloud Map service nor a public address by itself. */
function networkOf(
  id: $util.Input<string>,
  subnets: $util.Input<$util.Input<string>[]>,
): Network["vpc"] {
  return {
    id,
    containerSubnets: subnets,
    loadBalancerSubnets: subnets,
    securityGroups: [createSecurityGroup(id).id],
  };
}

function useNetwork(settings: DeploymentSettings): Network {
  const { DEPLOY_VPC_ID, DEPLOY_SUBNET_IDS, DEPLOY_SECURITY_GROUP_IDS } = settings;
  const vpc = {
    id: DEPLOY_VPC_ID ?? "",
    containerSubnets: DEPLOY_SUBNET_IDS,
    loadBalancerSubnets: DEPLOY_SUBNET_IDS,
    securityGroups: DEPLOY_SECURITY_GROUP_IDS,
  };
  return { vpc, assignsPublicIp: settings.DEPLOY_PUBLIC_IP };
}

/** Out by TLS and, for revocation lists, plain HTTP; nothing in. */
function createSecurityGroup(vpcId: $util.Input<string>): aws.ec2.SecurityGroup {
  const egress = [443, 80].map((port) => ({
    protocol: "tcp",
    fromPort: port,
    toPort: port,
    cidrBlocks: ["0.0.0.0/0"],
  }));
  return new aws.ec2.SecurityGroup("WorkerSecurityGroup", {
    vpcId,
    description: "Report workers: out by 443 and 80, nothing in",
    egress,
  });
}
