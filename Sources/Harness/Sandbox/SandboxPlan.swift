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
    /// Made by clone3, without those that it shares with another container; the cgroup namespace is left by a step, once the child is in its cgroup.
    package let namespaces: Namespaces

    /// What it takes of the host to carry the plan out.
    package struct Surroundings: Sendable {
        /// What the container finds under `/`, on the host: the overlay's lower layers.
        package let image: LayeredTree
        /// Directories that are laid over it, the first on top.
        package let overlays: [String]
        /// File systems of the host below its root that are seen inside, outer ones first.
        package let mounts: [HostMounts.Entry]
        /// Files of the host that are seen inside.
        package let boundFiles: [BoundFile]
        /// Directories of the host that are seen below /.harness, by their names there, and may be written to.
        package let workplaces: [String: String]
        /// A directory with `upper`, what the container writes, and `work`, the overlay's own.
        package let layers: String
        /// Where the overlay is mounted.
        package let root: String
        /// What /.harness shows: the socket that services report to.
        package let control: String
        /// The executable of the fakes, on a read-only mount.
        package let fakeServices: String
        /// Where the volumes are, each under its name, and at which paths they are to be seen.
        package let volumes: (directory: String, mounts: [Volume])?
        /// At most 64 bytes (sethostname(2)).
        package let hostname: String
        /// The cgroup.procs of the container's cgroups, open.
        package let membersDescriptors: [Int32]
        /// A pidfd of the harness.
        package let parentDescriptor: Int32
        /// Where PID 1 tells the guard of itself.
        package let guardSocket: Int32
        package let streams: Streams
        /// Where the container's root is sent to; nil: nobody will look at its files.
        package let rootSocket: Int32?
        /// How /sys/fs/cgroup shows the container's cgroup in the unified hierarchy; nil: not at all.
        package let cgroup: ContainerSettings.CgroupAccess?
        /// The host's hierarchies are those of version 1.
        package let hasVersion1: Bool
        /// It is started in a PID namespace that others share: it gets none of its own.
        package let sharesProcesses: Bool
        /// A network namespace that is there already, whose loopback interface is up; nil: it gets a new one.
        package let network: Int32?
        /// A pidfd of another container's PID 1, whose network, IPC and host name it shares, as in a pod; nil: it has its own.
        package let neighbour: Int32?
    }

    /// What become descriptors 0, 1 and 2.
    package enum Streams: Sendable {
        /// `input`: nil is /dev/null, as it is inside.
        case separate(input: Int32?, output: Int32, error: Int32)
        /// The slave of a pseudo-terminal, its devpts and its name there.
        case terminal(Int32, devpts: String, number: Int32)

        /// The steps that make them so, once the root is the container's: what is opened there leads nowhere else. A terminal is
        /// opened by its path inside, so that ttyname(3) finds it there.
        fileprivate var steps: [SetupStep] {
            switch self {
            case .separate(let input, let output, let error):
                [
                    input.map { .descriptor($0, becomes: 0) } ?? .openNull(as: 0), .descriptor(output, becomes: 1),
                    .descriptor(error, becomes: 2),
                ]
            case .terminal(_, _, let number): (0...2).map { .open("/dev/pts/\(number)", as: $0) }
            }
        }
    }

    /// What a start has besides the settings.
    ///
    /// - Parameters:
    ///   - tmpfs: the paths of file systems in memory.
    ///   - files: what is to be written, once everything is mounted.
    package init(
        _ surroundings: Surroundings, settings: ContainerSettings, tmpfs: [(path: String, options: TmpfsOptions)],
        files: [File], links: [Link]
    ) {
        let armed = SetupStep.parentDeathSignal(.kill, parentPIDFD: surroundings.parentDescriptor)
        namespaces = Namespaces.mount.union(surroundings.sharesProcesses ? [] : .pid).union(
            surroundings.neighbour == nil ? [.uts, .ipc] : []
        ).union(surroundings.neighbour == nil && surroundings.network == nil ? .network : [])
        // What is made on the way has just the mode that it is made with.
        var steps = [armed, .sendSelf(surroundings.guardSocket)] + SandboxPlan.usualScore + [.fileMask(0)]
        if let network = surroundings.network { steps.append(.joinNetwork(network)) }
        if let neighbour = surroundings.neighbour {
            steps.append(.joinNamespaces(of: neighbour, [.uts, .ipc, .network]))
        }
        steps += surroundings.membersDescriptors.map { .write("0", descriptor: $0, path: "cgroup.procs") }
        steps.append(.unshare(.cgroup))
        steps += [
            .changeDirectory(surroundings.layers),
            // Device nodes that a container makes (it has CAP_MKNOD) open nothing: no file system of it has devices. Docker
            // says the same with a device cgroup.
            .mount(
                "overlay", on: surroundings.root, type: "overlay", .noDevices,
                data: "lowerdir=\(SandboxPlan.lowerDirectories(surroundings)),upperdir=\(surroundings.layers)/upper,"
                    + "workdir=\(surroundings.layers)/work"),
            .changeDirectory(surroundings.root),
        ]
        steps += surroundings.mounts.enumerated().flatMap {
            SandboxPlan.hostMountSteps($0.element, $0.offset, surroundings)
        }
        steps += SandboxPlan.procSteps
        steps += SandboxPlan.deviceSteps(surroundings.streams)
        steps += SandboxPlan.sysSteps(cgroup: surroundings.cgroup, hasVersion1: surroundings.hasVersion1)
        steps += SandboxPlan.controlSteps(surroundings)
        steps.append(.pivotRoot("."))
        // From here on a path, and a symbolic link on its way, leads where it leads inside.
        steps += SandboxPlan.mountSteps(tmpfs, surroundings.volumes?.mounts ?? [])
        steps += surroundings.boundFiles.enumerated().flatMap { SandboxPlan.boundFileSteps($0.element, $0.offset) }
        steps += files.flatMap(SandboxPlan.fileSteps)
        steps += links.flatMap(SandboxPlan.linkSteps)
        steps += settings.absentFiles.map { .ifPresent(.unlink($0)) }
        // Docker makes a working directory that is not there (moby, container/container.go: SetupWorkingDirectory).
        steps += settings.workingDirectory.map(SandboxPlan.directories) ?? []
        // Nothing inside may change what the harness itself will go by at the next start.
        steps.append(.mount(nil, on: "/.harness", type: nil, [.remount, .bind, .readOnly, .noSetuid, .noDevices]))
        if let socket = surroundings.rootSocket { steps.append(.sendRoot(socket)) }
        if surroundings.neighbour == nil {
            steps.append(.setHostname(surroundings.hostname))
            if surroundings.network == nil { steps.append(.bringLoopbackUp) }
        }
        if settings.hasReadOnlyRoot { steps += SandboxPlan.readOnlySteps(surroundings.mounts) }
        steps += surroundings.streams.steps + [.newSession]
        if case .terminal = surroundings.streams { steps.append(.controllingTerminal(0)) }
        steps += SandboxPlan.lastSteps(settings, armed)
        self.steps = steps
    }

    /// The harness is the last that the kernel ends when memory runs short; what is in a container is not.
    private static var usualScore: [SetupStep] {
        ProcessSettings.formerOutOfMemoryScore.map { [.writePath($0, path: ProcessSettings.outOfMemoryFile)] } ?? []
    }

    /// Whether the kernel hands core dumps to a program or a socket of the host (core(5)).
    private static let coreLeavesContainer: Bool = {
        guard let pattern = Files.text(of: "/proc/sys/kernel/core_pattern") else { return true }
        return pattern.hasPrefix("|") || pattern.hasPrefix("@")
    }()

    /// What each process may have: not what the harness happens to be limited to.
    private static func limitSteps(_ settings: ContainerSettings) -> [SetupStep] {
        let unlimited = UInt64.max
        // Of several for one resource the last counts.
        let own = settings.resourceLimits.enumerated().filter { place, limit in
            !settings.resourceLimits.dropFirst(place + 1).contains { $0.resource == limit.resource }
        }.map(\.element)
        let usual = ResourceLimit.defaults.filter { limit in !own.contains { $0.resource == limit.resource } }
        return [
            // RLIMIT_CORE, which Docker does not set. A soft limit of 1 byte: no core file, and no core for a core_pattern that is a pipe (core(5)). A program
            // may raise it, unless the dump would leave the container.
            .limit(resource: 4, soft: 1, hard: coreLeavesContainer ? 1 : unlimited, ifAllowed: true, name: "core"),
            // RLIMIT_AS
            .limit(resource: 9, soft: unlimited, hard: unlimited, ifAllowed: true, name: "as"),
        ]
            + (usual.map { ($0, true) } + own.map { ($0, false) }).map { limit, ifAllowed in
                .limit(
                    resource: limit.resource.number, soft: limit.soft ?? unlimited, hard: limit.hard ?? unlimited,
                    ifAllowed: ifAllowed, name: limit.resource.rawValue)
            }
    }

    /// The root, and what of the host's is mounted below it; /proc, /dev and what the scenario mounts stay as they are (moby,
    /// daemon/oci_linux.go: WithMounts). The cgroup stays as `cgroup` has it.
    private static func readOnlySteps(_ mounts: [HostMounts.Entry]) -> [SetupStep] {
        let flags: Mount.Flags = [.remount, .bind, .readOnly, .noDevices]
        return mounts.filter(\.canBeLayered).map { mount in
            .ifPresent(.mount(nil, on: mount.path, type: nil, flags.union(.noSetuid)))
        } + [.mount(nil, on: "/", type: nil, flags)]
    }

    /// What makes a process one of the container's, right before its exec: who it is, and what it may do.
    private static func lastSteps(_ settings: ContainerSettings, _ armed: SetupStep) -> [SetupStep] {
        let usual = settings.withheldCapabilities.reduce(dockerCapabilities) { $0 & ~(1 << $1) }
        let capabilities = settings.capabilities.reduce(usual) { $0 | 1 << $1.number }
        var steps: [SetupStep] = settings.workingDirectory.map { [.changeDirectory($0)] } ?? []
        // After the last file that is opened, before the loss of the capabilities.
        steps += limitSteps(settings)
        steps += [
            .priority(ProcessSettings.priority), .fileMask(0o022), .filterCalls(capabilities),
            .keepCapabilities(capabilities),
        ]
        if let user = settings.user, user != .root {
            // A change of the user disarms the signal (prctl(2), PR_SET_PDEATHSIG).
            steps += [.setIDs(user: user.user, group: user.group), armed]
        }
        if settings.hasNoNewPrivileges { steps.append(.noNewPrivileges) }
        if !settings.ignoredSignals.isEmpty { steps.append(.ignoreSignals(settings.ignoredSignals)) }
        if !settings.blockedSignals.isEmpty { steps.append(.blockSignals(settings.blockedSignals)) }
        return steps
    }

    /// What a further process in a running container does between clone and exec: it joins what PID 1 has.
    package static func stepsOfExec(
        joining process: Int32, membersDescriptors: [Int32], parentDescriptor: Int32, streams: Streams,
        settings: ContainerSettings
    ) -> [SetupStep] {
        let armed = SetupStep.parentDeathSignal(.kill, parentPIDFD: parentDescriptor)
        var own = settings
        (own.ignoredSignals, own.blockedSignals) = ([], [])
        return [armed] + usualScore + membersDescriptors.map { .write("0", descriptor: $0, path: "cgroup.procs") }
            + [.joinNamespaces(of: process, [.mount, .uts, .ipc, .network, .cgroup])]
            + streams.steps + [.newSession]
            + lastSteps(own, armed)
    }

    private static func lowerDirectories(_ surroundings: Surroundings) -> String {
        let layers = surroundings.image.layers
        // Of several, links to them in the directory that the child is in.
        return (surroundings.overlays + (layers.count > 1 ? layers.indices.map(String.init) : layers)).map(escaped)
            .joined(separator: ":")
    }

    /// CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT,
    /// MKNOD, AUDIT_WRITE, SETFCAP (moby, daemon/pkg/oci/caps/defaults.go; numbers of linux/capability.h).
    package static let dockerCapabilities: UInt64 = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31]
        .reduce(0) { $0 | 1 << $1 }

    /// A path without what overlayfs would take for the end of an option or of a layer.
    private static func escaped(_ path: String) -> String {
        path.replacing("\\", with: "\\\\").replacing(",", with: "\\,").replacing(":", with: "\\:")
    }

    /// What is mounted below the host's root, at the same place inside: as a layer that is never written to, or read-only.
    private static func hostMountSteps(
        _ mount: HostMounts.Entry, _ index: Int, _ surroundings: Surroundings
    ) -> [SetupStep] {
        let target = String(mount.path.dropFirst())
        let flags: Mount.Flags = [.noSetuid, .noDevices]
        guard mount.canBeLayered else {
            return [
                .ifPresent(.mount(mount.path, on: target, type: nil, .bind)),
                .ifPresent(.mount(nil, on: target, type: nil, flags.union(.remount).union(.bind).union(.readOnly))),
            ]
        }
        let data =
            "lowerdir=\(escaped(mount.path)),upperdir=\(surroundings.layers)/upper-\(index),workdir=\(surroundings.layers)/work-\(index)"
        return [.ifPresent(.mount("overlay", on: target, type: "overlay", flags, data: data))]
    }

    /// Where a file of the host is seen until it is in its place.
    private static func boundFile(_ index: Int) -> String { ".harness/file-\(index)" }

    private static func boundFileSteps(_ file: BoundFile, _ index: Int) -> [SetupStep] {
        let parent = file.target[..<(file.target.lastIndex(of: "/") ?? file.target.startIndex)]
        return directories(to: String(parent)) + [
            .makeFile(file.target, mode: 0o755),
            .mount("/" + boundFile(index), on: file.target, type: nil, .bind),
            .mount(nil, on: file.target, type: nil, [.remount, .bind, .readOnly, .noSetuid, .noDevices]),
        ]
    }

    // MARK: - Paths inside

    /// The directories that lead to a path, and the path itself.
    private static func directories(to path: String) -> [SetupStep] {
        var directory = ""
        return path.split(separator: "/").map { name in
            directory += "/\(name)"
            return .makeDirectory(directory, mode: 0o755)
        }
    }

    /// A private file system in memory, with the options of Docker's `--tmpfs`, and the directories that lead to it.
    private static func tmpfsSteps(_ path: String, _ options: TmpfsOptions) -> [SetupStep] {
        var flags: Mount.Flags = [.noSetuid, .noDevices]
        if !options.isExecutable { flags = flags.union(.noExec) }
        let size = min(options.sizeInBytes ?? tmpfsLimitInBytes, tmpfsLimitInBytes)
        let data =
            "mode=\(Spelling.octal(options.mode ?? 0o1777)),size=\(size),uid=\(options.owner.user),gid=\(options.owner.group)"
        var steps = directories(to: path) + [.mount("tmpfs", on: path, type: "tmpfs", flags, data: data)]
        if options.isReadOnly {
            steps.append(.mount(nil, on: path, type: nil, flags.union(.remount).union(.bind).union(.readOnly)))
        }
        return steps
    }

    /// How much a file system in memory may hold.
    static let tmpfsLimitInBytes = 256 << 20

    /// Where the volumes' directory is seen until each is in its place.
    private static let volumesInside = ".harness/volumes"

    /// Outer paths before inner ones, whatever the order in which they are written (moby, daemon/volumes.go, sorts mounts by
    /// the number of their parts).
    private static func mountSteps(
        _ tmpfs: [(path: String, options: TmpfsOptions)], _ volumes: [Volume]
    ) -> [SetupStep] {
        let mounts =
            tmpfs.map { ($0.path, tmpfsSteps($0.path, $0.options)) }
            + volumes.map { volume in
                (
                    volume.path,
                    directories(to: volume.path) + [
                        .mount("/\(volumesInside)/\(volume.name)", on: volume.path, type: nil, .bind)
                    ]
                )
            }
        let ordered = mounts.enumerated().sorted {
            ($0.element.0.split(separator: "/").count, $0.offset) < (
                $1.element.0.split(separator: "/").count, $1.offset
            )
        }
        return ordered.flatMap(\.element.1) + (volumes.isEmpty ? [] : [.unmount("/" + volumesInside, flags: 2)])
    }

    private static func fileSteps(_ file: File) -> [SetupStep] {
        let parent = file.path[..<(file.path.lastIndex(of: "/") ?? file.path.startIndex)]
        return directories(to: String(parent)) + [
            .writeFile(file.path, text: file.text, mode: file.mode, user: file.owner.user, group: file.owner.group)
        ]
    }

    private static func linkSteps(_ link: Link) -> [SetupStep] {
        let parent = link.path[..<(link.path.lastIndex(of: "/") ?? link.path.startIndex)]
        return directories(to: String(parent)) + [
            .ifPresent(.unlink(link.path)), .makeLink(link.target, to: link.path),
        ]
    }

    private static func controlSteps(_ surroundings: Surroundings) -> [SetupStep] {
        [
            .makeDirectory(".harness", mode: 0o755),
            .mount(surroundings.control, on: ".harness", type: nil, .bind),
            .makeFile(".harness/fake-services", mode: 0o755),
            .mount(surroundings.fakeServices, on: ".harness/fake-services", type: nil, .bind),
        ]
            + surroundings.boundFiles.enumerated().flatMap { index, file in
                [.makeFile(boundFile(index), mode: 0o755), .mount(file.source, on: boundFile(index), type: nil, .bind)]
            }
            + surroundings.workplaces.sorted { $0.key < $1.key }.flatMap { name, source -> [SetupStep] in
                [
                    .makeDirectory(".harness/\(name)", mode: 0o700),
                    .mount(source, on: ".harness/\(name)", type: nil, .bind),
                    .mount(nil, on: ".harness/\(name)", type: nil, [.remount, .bind, .noSetuid, .noDevices]),
                ]
            }
            + (surroundings.volumes.map { volumes in
                [
                    .makeDirectory(volumesInside, mode: 0o700),
                    // With those that are file systems of their own.
                    .mount(volumes.directory, on: volumesInside, type: nil, [.bind, .recursive]),
                ]
            } ?? [])
    }

    // MARK: - /proc and /sys

    private static let noEffects: Mount.Flags = [.noSetuid, .noDevices, .noExec]

    /// Read-only and masked, as in moby's daemon/pkg/oci/defaults.go.
    private static let procSteps: [SetupStep] = {
        let readOnly = ["proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"].filter(existsOnHost)
        let maskedFiles = ["kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "interrupts"]
            .map { "proc/" + $0 }.filter(existsOnHost)
        let maskedDirectories = ["asound", "acpi", "scsi"].map { "proc/" + $0 }.filter(existsOnHost)
        return [.makeDirectory("proc", mode: 0o555), .mount("proc", on: "proc", type: "proc", noEffects)]
            // Of its own network namespace: every user may bind every port (moby, daemon/oci_linux.go, from 20.10 on).
            + [.ifPresent(.writePath("0", path: "proc/sys/net/ipv4/ip_unprivileged_port_start"))]
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
    }()

    /// As `-v /sys/fs/cgroup:/sys/fs/cgroup` on a host with version 1: a directory of hierarchies. Made read-only, what is mounted below
    /// stays writable. The cgroup namespace ends each at the container's own part, and only those are shown in which it has one.
    private static func hostCgroupSteps(isReadOnly: Bool) -> [SetupStep] {
        let top = "sys/fs/cgroup"
        var steps: [SetupStep] = [.mount("tmpfs", on: top, type: "tmpfs", noEffects, data: "mode=755,size=64k")]
        for (name, type, data) in [
            ("systemd", "cgroup", "none,name=systemd"), ("pids", "cgroup", "pids"), ("unified", "cgroup2", ""),
        ] {
            steps += [
                .makeDirectory("\(top)/\(name)", mode: 0o755),
                .mount("cgroup", on: "\(top)/\(name)", type: type, noEffects, data: data.isEmpty ? nil : data),
            ]
        }
        if isReadOnly {
            steps.append(.mount(nil, on: top, type: nil, noEffects.union(.remount).union(.bind).union(.readOnly)))
        }
        return steps
    }

    private static func sysSteps(cgroup: ContainerSettings.CgroupAccess?, hasVersion1: Bool) -> [SetupStep] {
        var steps: [SetupStep] = [
            .makeDirectory("sys", mode: 0o555),
            .mount("sysfs", on: "sys", type: "sysfs", noEffects.union(.readOnly)),
        ]
        steps += maskedInSys.map(masked)
        if let cgroup, cgroup.isOfHost, hasVersion1 {
            steps += hostCgroupSteps(isReadOnly: cgroup == .hostReadOnly)
        } else if let cgroup, cgroup != .none {
            let isReadOnly = cgroup == .readOnly || cgroup == .hostReadOnly
            let flags = isReadOnly ? noEffects.union(.readOnly) : noEffects
            steps.append(.mount("cgroup", on: "sys/fs/cgroup", type: "cgroup2", flags))
        }
        return steps
    }

    private static let maskedInSys = ["sys/firmware", "sys/devices/virtual/powercap"].filter(existsOnHost)

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

    private static func deviceSteps(_ streams: Streams) -> [SetupStep] {
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
            + terminalSteps(streams)
            + [
                .makeDirectory("dev/shm", mode: 0o1777),
                .mount("shm", on: "dev/shm", type: "tmpfs", noEffects, data: "mode=1777,size=65536k"),
                .makeDirectory("dev/mqueue", mode: 0o1777),
                .ifPresent(.mount("mqueue", on: "dev/mqueue", type: "mqueue", noEffects)),
            ]
    }

    /// The options of every devpts: those of Docker.
    /// The most terminals that there may be: the machine has 4096 in all (/proc/sys/kernel/pty/max).
    static let devptsOptions = "newinstance,ptmxmode=0666,mode=0620,gid=5,max=64"

    /// A devpts of its own, or the one that has PID 1's terminal, which is the console too.
    private static func terminalSteps(_ streams: Streams) -> [SetupStep] {
        let directory = SetupStep.makeDirectory("dev/pts", mode: 0o755)
        guard case .terminal(_, let devpts, let number) = streams else {
            return [
                directory,
                .mount("devpts", on: "dev/pts", type: "devpts", [.noSetuid, .noExec], data: devptsOptions),
            ]
        }
        return [
            directory, .mount(devpts, on: "dev/pts", type: nil, .bind), .makeFile("dev/console", mode: 0o600),
            .mount("dev/pts/\(number)", on: "dev/console", type: nil, .bind),
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
