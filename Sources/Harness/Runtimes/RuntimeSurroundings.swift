import Model

/// What a runtime gives a container without being asked, where it differs from Docker.
public struct RuntimeSurroundings: Hashable, Sendable {
    /// `NAME=value`; what the scenario says comes after it.
    public var environment: [String] = []
    /// Absolute paths of file systems in memory.
    public var tmpfs: [String] = []
    /// How /sys/fs/cgroup is seen; nil: as under Docker.
    public var cgroup: ContainerSettings.CgroupAccess?
    /// Capabilities of Docker's default set that it does not give, by their numbers in linux/capability.h.
    public var withheldCapabilities: [UInt64] = []
    /// Capabilities beyond Docker's default set that it gives.
    public var capabilities: [Capability] = []

    /// Docker's.
    public init() {}

    /// Podman gives neither MKNOD, NET_RAW nor AUDIT_WRITE (containers.conf: default_capabilities), says what it is, and prepares for systemd
    /// what systemd needs (podman-run(1), --systemd).
    static func podman(_ policy: ContainerPolicy) -> RuntimeSurroundings {
        var result = RuntimeSurroundings()
        result.environment = ["container=podman"]
        result.withheldCapabilities = [13, 27, 29]
        if policy.isSystemd {
            result.tmpfs = ["/run", "/run/lock", "/tmp", "/var/log/journal"]
            result.cgroup = .readWrite
        }
        return result
    }

    /// systemd-nspawn gives more than Docker; of that SYS_BOOT leads nowhere but out of the container's own life (nspawn.c: default caps).
    static let nspawn: RuntimeSurroundings = {
        var result = RuntimeSurroundings()
        result.environment = ["container=systemd-nspawn"]
        result.capabilities = [.ipcOwner, .netBroadcast, .sysBoot, .sysTTYConfig]
        result.tmpfs = ["/run", "/tmp"]
        result.cgroup = .readWrite
        return result
    }()
}
