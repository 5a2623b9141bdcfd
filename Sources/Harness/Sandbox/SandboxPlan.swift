import Kernel
import Model
import Vocabulary

/// How a container's world is set up, as data: what the child does between clone and exec.
///
/// It is what Docker gives a container without further options, from the point of view of a program inside:
/// read-only and masked paths of /proc and /sys, a small /dev, the default capabilities, a session of its own.
package struct SandboxPlan: Sendable {
    /// In the order in which they are taken; paths are relative to the new root until the step that pivots to it.
    package let steps: [SetupStep]
    /// Made by clone3; the cgroup namespace is left by a step, once the child is in its cgroup.
    package let namespaces: Namespaces = [.pid, .mount, .uts, .ipc, .network]

    /// What it takes of the host to carry the plan out.
    package struct Surroundings: Sendable {
        /// The overlay's lower layer: the root of the file system that the container sees, on the host.
        package let lower: String
        /// The overlay's upper layer: what the container writes.
        package let upper: String
        /// The overlay's own directory, on the file system of `upper`.
        package let work: String
        /// Where the overlay is mounted.
        package let root: String
        /// What /.harness shows: the socket that services report to.
        package let control: String
        /// The executable of the fakes, on a read-only mount.
        package let fakeServices: String
        /// At most 64 bytes (sethostname(2)).
        package let hostname: String
        /// An open cgroup.procs, or nil where there are no cgroups.
        package let membersDescriptor: Int32?
        /// A pidfd of the harness.
        package let parentDescriptor: Int32
        /// What become descriptors 0, 1 and 2.
        package let standardInput: Int32
        /// See `standardInput`.
        package let standardOutput: Int32
        /// See `standardInput`.
        package let standardError: Int32
        /// Whether /sys/fs/cgroup shows the container's cgroup, read-only, as Docker does with version 2.
        package let mountsCgroup2: Bool
    }

    package init(_ surroundings: Surroundings, settings: ContainerSettings, tmpfs: [String]) {
        var steps: [SetupStep] = [.parentDeathSignal(.kill, parentPIDFD: surroundings.parentDescriptor)]
        if let members = surroundings.membersDescriptor {
            steps.append(.write("0", descriptor: members, path: "cgroup.procs"))
        }
        steps.append(.unshare(.cgroup))
        steps += SandboxPlan.rootSteps(surroundings)
        steps += SandboxPlan.procSteps
        steps += SandboxPlan.deviceSteps
        steps += SandboxPlan.sysSteps(mountsCgroup2: surroundings.mountsCgroup2)
        steps += SandboxPlan.controlSteps(surroundings)
        steps += [.pivotRoot("."), .unmount(".", flags: 2), .changeDirectory("/")]
        // From here on a path, and a symbolic link on its way, leads where it leads inside.
        steps += tmpfs.flatMap(SandboxPlan.tmpfsSteps)
        steps += [
            .setHostname(surroundings.hostname), .bringLoopbackUp,
            // RLIMIT_CORE, 1 byte: no core file, and none for a core_pattern that is a pipe (core(5)).
            .limit(resource: 4, value: 1),
            .descriptor(surroundings.standardInput, becomes: 0),
            .descriptor(surroundings.standardOutput, becomes: 1),
            .descriptor(surroundings.standardError, becomes: 2),
            .newSession, .fileMask(0o022), .filterCalls, .keepCapabilities(SandboxPlan.dockerCapabilities),
        ]
        self.steps = steps
    }

    /// CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT,
    /// MKNOD, AUDIT_WRITE, SETFCAP (moby, daemon/pkg/oci/caps/defaults.go; numbers of linux/capability.h).
    package static let dockerCapabilities: UInt64 = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31]
        .reduce(0) { $0 | 1 << $1 }

    // MARK: - Root

    private static func rootSteps(_ surroundings: Surroundings) -> [SetupStep] {
        // Device nodes that a container makes (it has CAP_MKNOD) open nothing: no file system of it has devices. Docker
        // says the same with a device cgroup.
        [
            .mount(nil, on: "/", type: nil, [.recursive, .makePrivate]),
            .mount(
                "overlay", on: surroundings.root, type: "overlay", .noDevices,
                data: "lowerdir=\(surroundings.lower),upperdir=\(surroundings.upper),workdir=\(surroundings.work)"),
            .changeDirectory(surroundings.root),
        ]
    }

    /// A private file system in memory, with the options of Docker's `--tmpfs`, and the directories that lead to it.
    private static func tmpfsSteps(_ path: String) -> [SetupStep] {
        var directory = ""
        var steps: [SetupStep] = []
        for name in path.split(separator: "/") {
            directory += "/\(name)"
            steps.append(.makeDirectory(directory, mode: 0o755))
        }
        let flags: Mount.Flags = [.noSetuid, .noDevices, .noExec]
        return steps + [.mount("tmpfs", on: directory, type: "tmpfs", flags, data: "mode=1777,size=64m")]
    }

    private static func controlSteps(_ surroundings: Surroundings) -> [SetupStep] {
        [
            .makeDirectory(".harness", mode: 0o755),
            .mount(surroundings.control, on: ".harness", type: nil, .bind),
            .makeFile(".harness/fake-services", mode: 0o755),
            .mount(surroundings.fakeServices, on: ".harness/fake-services", type: nil, .bind),
        ]
    }

    // MARK: - /proc and /sys

    private static let noEffects: Mount.Flags = [.noSetuid, .noDevices, .noExec]

    /// Read-only and masked, as in moby's daemon/pkg/oci/defaults.go.
    private static var procSteps: [SetupStep] {
        let readOnly = ["proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"].filter(existsOnHost)
        let maskedFiles = ["kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "interrupts"]
            .map { "proc/" + $0 }.filter(existsOnHost)
        let maskedDirectories = ["asound", "acpi", "scsi"].map { "proc/" + $0 }.filter(existsOnHost)
        return [.makeDirectory("proc", mode: 0o555), .mount("proc", on: "proc", type: "proc", noEffects)]
            + readOnly.flatMap { path -> [SetupStep] in
                // What shows in a new /proc depends on its namespaces: /proc/fs may be on the host's only.
                [
                    .ifPresent(.mount(path, on: path, type: nil, .bind)),
                    .ifPresent(
                        .mount(nil, on: path, type: nil, [.remount, .bind, .readOnly, .noSetuid, .noDevices, .noExec])),
                ]
            }
            + maskedFiles.flatMap { path in hostDevice("null", on: path).map(SetupStep.ifPresent) }
            + maskedDirectories.map(masked)
    }

    private static func sysSteps(mountsCgroup2: Bool) -> [SetupStep] {
        var steps: [SetupStep] = [
            .makeDirectory("sys", mode: 0o555),
            .mount("sysfs", on: "sys", type: "sysfs", noEffects.union(.readOnly)),
        ]
        steps += ["sys/firmware", "sys/devices/virtual/powercap"].filter(existsOnHost).map(masked)
        if mountsCgroup2 {
            steps.append(.mount("cgroup", on: "sys/fs/cgroup", type: "cgroup2", noEffects.union(.readOnly)))
        }
        return steps
    }

    private static func masked(directory path: String) -> SetupStep {
        .ifPresent(.mount("tmpfs", on: path, type: "tmpfs", .readOnly, data: "size=0"))
    }

    private static func existsOnHost(_ path: String) -> Bool {
        Files.exists("/" + path)
    }

    // MARK: - /dev

    /// A device of the host in another place. It is the host's own node: on a read-only mount it can be used, but not
    /// given another owner or mode.
    private static func hostDevice(_ name: String, on target: String) -> [SetupStep] {
        [
            .mount("/dev/\(name)", on: target, type: nil, .bind),
            .mount(nil, on: target, type: nil, [.remount, .bind, .readOnly, .noSetuid, .noExec]),
        ]
    }

    private static var deviceSteps: [SetupStep] {
        let devices = ["null", "zero", "full", "random", "urandom", "tty"]
        let links = [
            ("/proc/self/fd", "fd"), ("/proc/self/fd/0", "stdin"), ("/proc/self/fd/1", "stdout"),
            ("/proc/self/fd/2", "stderr"), ("pts/ptmx", "ptmx"),
        ]
        return [
            .makeDirectory("dev", mode: 0o755),
            .mount("tmpfs", on: "dev", type: "tmpfs", [.noSetuid, .noDevices], data: "mode=755,size=65536k"),
        ]
            + devices.flatMap { name -> [SetupStep] in
                [.makeFile("dev/\(name)", mode: 0o666)] + hostDevice(name, on: "dev/\(name)")
            }
            + links.map { .makeLink($0.0, to: "dev/\($0.1)") }
            + [
                .makeDirectory("dev/pts", mode: 0o755),
                .mount(
                    "devpts", on: "dev/pts", type: "devpts", [.noSetuid, .noExec],
                    data: "newinstance,ptmxmode=0666,mode=0620,gid=5"),
                .makeDirectory("dev/shm", mode: 0o1777),
                .mount("shm", on: "dev/shm", type: "tmpfs", noEffects, data: "mode=1777,size=65536k"),
                .makeDirectory("dev/mqueue", mode: 0o1777),
                .ifPresent(.mount("mqueue", on: "dev/mqueue", type: "mqueue", noEffects)),
            ]
    }
}

extension SetupStep {
    /// A mount whose flags are a set of names.
    fileprivate static func mount(
        _ source: String?, on target: String, type: String?, _ flags: Mount.Flags, data: String? = nil
    ) -> SetupStep {
        .mount(source: source, target: target, type: type, flags: flags.rawValue, data: data)
    }
}
