import Kernel
import Model
import Vocabulary

/// One container's world on the host: its root, its cgroups, the socket that its services report to.
///
/// Belongs to the thread that made it: its mounts are in that thread's tree, and the death of that thread kills PID 1.
package final class Container {
    /// What gethostname(2) says inside: 64 bytes at most.
    package let hostname: String
    /// Where services report; bound to `/.harness/services` inside.
    package let socket: ServiceSocket
    private let host: SandboxHost
    private let directory: String
    private let cgroups: RunCgroups.OfContainer
    private let settings: ContainerSettings
    /// What the container finds under `/`, on the host.
    private let image: LayeredTree
    private let lookUp: RuntimeLookUp?
    /// What is mounted below the host's root and seen inside.
    private let mounts: [HostMounts.Entry]
    private let overlays: [String]
    private let volumes: VolumeStore?
    /// The terminal's end inside: open here, so that nobody's closing it is the end of what is printed.
    private var terminalSlave: OwnedDescriptor?
    /// The writing end of PID 1's standard input, while it is open.
    private var openInput: OwnedDescriptor?
    /// What the container sees, for a look at its files.
    private var view: OwnedView?
    /// The files of the settings are in the container's layer.
    private var hasFiles = false
    /// The file systems in memory of the present life, by path.
    private var tmpfs: [String] = []
    /// The network namespace of the present life, where it can be used again.
    private var network: NetworkNamespace?
    private lazy var stallClock = cgroups.birthplace?.openStallClock()
    /// How many processes of the run's containers the kernel had killed for want of memory when this one was made.
    private let sharedKillsBefore: Int
    /// How many forks of the thread's containers had failed at the limit when this one was made.
    private let failedForksBefore: Int

    /// The outside ends of a started container.
    package struct Started: ~Copyable {
        /// To be waited for by what has started it.
        package let process: PIDDescriptor
        /// The reading end; with a terminal its master, which is written to as well.
        package let standardOutput: Descriptor
        /// Nil with a terminal, where it is one with standard output.
        package let standardError: Descriptor?

        /// Takes it apart: each part gets an owner of its own.
        package consuming func parts<Result>(
            _ body: (consuming PIDDescriptor, consuming Descriptor, consuming Descriptor?) throws -> Result
        ) rethrows -> Result {
            try body(process, standardOutput, standardError)
        }
    }

    /// The search path of Docker's containers (moby, daemon/internal/system/path.go).
    package static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Makes the world, but starts nothing in it. The calling thread must have entered the host.
    ///
    /// - Parameters:
    ///   - image: the directories of the host that the container finds under `/`, the first on top.
    ///   - overlays: directories that are laid over it, the first on top.
    ///   - freezes: whether it will be (`pause`).
    ///   - named: paths that the container's command and files name: what is mounted there on the host is seen inside.
    ///   - lookUp: how the runtime looks for programs.
    ///   - volumes: what outlives it.
    /// - Throws: `SystemCallError`; what was made so far is gone then.
    package init(
        host: SandboxHost, settings: ContainerSettings, image: LayeredTree = .host, overlays: [String] = [],
        named: [String] = [], freezes: Bool = false, lookUp: RuntimeLookUp? = nil, volumes: VolumeStore?
    ) throws {
        self.lookUp = lookUp
        mounts = image.isHost ? host.mounts.needed(for: named) : []
        let number = host.nextContainerNumber()
        self.host = host
        self.settings = settings
        self.image = image
        self.volumes = volumes
        hostname = settings.hostname ?? "c\(number)"
        let directory = "\(host.directory)/\(number)"
        self.directory = directory
        self.overlays = overlays.indices.map { "\(directory)/layer-\($0)" }
        try Files.makeDirectory(directory)
        do {
            try Mount.mount(
                source: "harness", on: directory, type: "tmpfs", flags: [.noSetuid, .noDevices],
                data: "mode=755,size=\(SandboxHost.writableLayerLimitInBytes),nr_inodes=65536")
        } catch {
            try? Files.removeDirectory(directory)
            throw error
        }
        var cgroups = RunCgroups.OfContainer()
        do {
            for name in ["upper", "work", "root", "control"] { try Files.makeDirectory("\(directory)/\(name)") }
            for (index, mount) in mounts.enumerated() where mount.canBeLayered {
                try Files.makeDirectory("\(directory)/upper-\(index)")
                try Files.makeDirectory("\(directory)/work-\(index)")
                try Files.copyOwnerAndMode(from: mount.path, to: "\(directory)/upper-\(index)")
            }
            try Files.copyOwnerAndMode(from: image.layers[0], to: "\(directory)/upper")
            // Short names: what mount(2) is told of all layers has room on one page.
            for (index, layer) in image.layers.enumerated() where image.layers.count > 1 {
                try Files.makeLink("\(directory)/\(index)", to: layer)
            }
            // Copies: overlayfs takes no two lower layers one of which is inside the other (ELOOP).
            for (index, overlay) in overlays.enumerated() {
                try Container.copyLayer(
                    from: overlay, to: "\(directory)/layer-\(index)", over: image)
            }
            socket = try ServiceSocket(path: "\(directory)/control/services")
            try host.cgroups.make(number, settings, freezes: freezes, into: &cgroups)
            try volumes?.fill(from: image, overlays: overlays)
            try Container.limitLayer(directory, to: settings.layerLimit)
        } catch {
            for cgroup in cgroups.all { cgroup.remove() }
            try? Mount.detach(directory)
            try? Files.removeDirectory(directory)
            throw error
        }
        self.cgroups = cgroups
        sharedKillsBefore =
            settings.memoryLimit == nil ? host.cgroups.sharedKillCount : .max
        failedForksBefore = cgroups.thread?.failedForkCount ?? 0
    }

    /// What is there already does not count.
    private static func limitLayer(_ directory: String, to limit: Int?) throws {
        guard let limit else { return }
        let used = try Files.space(of: directory).usedInBytes
        try Mount.mount(
            source: nil, on: directory, type: nil, flags: [.remount, .noSetuid, .noDevices],
            data: "size=\(used + limit)")
    }

    /// Copies a layer. Where the root below has a link, /sbin to usr/sbin say, a directory of the layer is laid over what the link leads
    /// to: in its own place it would hide all of that.
    private static func copyLayer(from layer: String, to target: String, over image: LayeredTree) throws {
        try Files.makeDirectory(target)
        for name in Files.names(in: layer) {
            let source = "\(layer)/\(name)"
            guard Files.isDirectory(source), Files.target(ofLink: source) == nil else { continue }
            var place = name
            if let real = image.realPath("/\(name)") { place = String(real.trimmingPrefix("/")) }
            var directory = target
            for part in place.split(separator: "/") {
                directory += "/\(part)"
                if !Files.isDirectory(directory) {
                    try Files.makeDirectory(directory)
                    if let own = image.find(String(directory.dropFirst(target.count))) {
                        try? Files.copyOwnerAndMode(from: own, to: directory)
                    }
                }
            }
            try Files.copyContents(from: source, to: directory)
            if place == name { try Files.copyOwnerAndMode(from: source, to: directory) }
        }
        try Files.copyContents(from: layer, to: target, onlyFiles: true)
        try Files.copyOwnerAndMode(from: layer, to: target)
    }

    /// Starts PID 1, and returns when it has exec'ed. Blocks the calling thread for as long.
    ///
    /// - Parameters:
    ///   - isLookedAt: whether its files will be (`look`).
    ///   - sharing: what is not its own.
    /// - Throws: `SpawnError`, when it could not be started; otherwise `SystemCallError` or `Errno`.
    package func start(_ program: Program, isLookedAt: Bool, _ sharing: Sharing = Sharing()) throws -> Started {
        // What a former life has left open would keep its file system in use.
        view = nil
        terminalSlave = nil
        openInput = nil
        if settings.hasTerminal {
            let devpts = "\(directory)/pts"
            if !Files.exists(devpts) { try Files.makeDirectory(devpts) }
            try Mount.mount(
                source: "devpts", on: devpts, type: "devpts", flags: [.noSetuid, .noExec],
                data: SandboxPlan.devptsOptions)
            // PID 1's mount tree has a copy, which lasts as long as it is needed.
            defer { try? Mount.detach(devpts) }
            let terminal = try Terminal(devpts: devpts, owner: settings.user?.user ?? 0)
            let streams = SandboxPlan.Streams.terminal(
                terminal.slave.rawValue, devpts: devpts, number: terminal.number)
            let process = try spawn(program, streams, isLookedAt, sharing)
            let master = terminal.parts { master, slave in
                terminalSlave = OwnedDescriptor(slave)
                return OwnedDescriptor(master)
            }
            return Started(process: process, standardOutput: master.take(), standardError: nil)
        }
        let output = try Pipe()
        let errorOutput = try Pipe()
        let input = settings.hasOpenInput ? OwnedPipe(try Pipe(isRead: false)) : nil
        let streams = SandboxPlan.Streams.separate(
            input: input?.readEnd, output: output.writeEnd.rawValue, error: errorOutput.writeEnd.rawValue)
        if let user = settings.user {
            // As Docker does it: what is behind /dev/stdout can be opened by name.
            try output.writeEnd.setOwner(user: user.user)
            try errorOutput.writeEnd.setOwner(user: user.user)
        }
        let process = try withExtendedLifetime(input) { try spawn(program, streams, isLookedAt, sharing) }
        openInput = input.map { OwnedDescriptor($0.takeWriteEnd()) }
        return Started(
            process: process, standardOutput: output.takeReadEnd(), standardError: errorOutput.takeReadEnd())
    }

    /// What a container shares with others: pidfds of theirs, open during its start.
    package struct Sharing: Sendable {
        /// A container whose network, IPC and host name it shares; nil: it has its own.
        package let neighbour: Int32?
        /// The PID 1 in whose namespace it is started; nil: it is PID 1.
        package let processes: Int32?
        /// What ends the wait for its exec, from which others in that namespace may keep it: a descriptor that becomes readable; -1: nothing.
        package let interruption: Int32
        /// Others may come to share what is its own.
        package let isShared: Bool

        package init(
            neighbour: Int32? = nil, processes: Int32? = nil, interruption: Int32 = -1, isShared: Bool = false
        ) {
            self.isShared = isShared || neighbour != nil || processes != nil
            self.neighbour = neighbour
            self.processes = processes
            self.interruption = interruption
        }
    }

    /// What PID 1 is to be, and what it finds.
    package struct Program: Sendable {
        /// PID 1's arguments, its program first; looked up in PATH inside.
        package let command: [String]
        /// `NAME=value`; what a container always has is added.
        package let environment: [String]
        /// Absolute paths, the settings' and the profile's.
        package let tmpfs: [String]
        /// What is there besides the files of the settings, which come after it.
        package let files: [File]
        /// Symbolic links, likewise.
        package let links: [Link]
        /// Files of the host that are seen inside.
        package let boundFiles: [BoundFile]
        /// Directories of the host that are seen below /.harness, by their names there, and may be written to.
        package let workplaces: [String: String]

        /// What a start takes.
        package init(
            command: [String], environment: [String] = [], tmpfs: [String] = [], files: [File] = [], links: [Link] = [],
            boundFiles: [BoundFile] = [], workplaces: [String: String] = [:]
        ) {
            self.boundFiles = boundFiles
            self.workplaces = workplaces
            self.command = command
            self.environment = environment
            self.tmpfs = tmpfs
            self.files = files
            self.links = links
        }
    }

    private func spawn(
        _ program: Program, _ streams: SandboxPlan.Streams, _ isLookedAt: Bool, _ sharing: Sharing
    ) throws -> PIDDescriptor {
        let channel = try RootView.Channel()
        tmpfs = program.tmpfs
        giveBackNetwork()
        // Nothing inside could change it, and nobody outlives the container in it.
        if !sharing.isShared, settings.capabilities.isEmpty { network = try? host.networks.take() }
        let members = try openMembers()
        let birthplace = try openBirthplace()
        // A file on a volume comes with the volume, any other with the layer.
        let files = program.files + settings.files
        // What is in memory is gone with each life, and comes again with the next.
        func isInMemory(_ path: String) -> Bool { program.tmpfs.contains { path.hasPrefix($0 + "/") } }
        let missing = files.filter { file in
            volumes?.holds(file.path) == true
                ? volumes?.isFresh(file.path) == true
                : !hasFiles || isInMemory(file.path)
        }
        let access =
            settings.cgroup ?? host.cgroups.usualAccess
        let plan = SandboxPlan(
            SandboxPlan.Surroundings(
                image: image, overlays: overlays, mounts: mounts, boundFiles: program.boundFiles,
                workplaces: program.workplaces, layers: directory,
                root: "\(directory)/root",
                control: "\(directory)/control",
                fakeServices: "\(host.directory)/fake-services",
                volumes: volumes.map { ($0.directory, $0.volumes) }, hostname: hostname,
                membersDescriptors: members.map { $0.descriptor.rawValue },
                parentDescriptor: host.ownDescriptor.descriptor.rawValue, guardSocket: host.guardSocket,
                streams: streams,
                rootSocket: isLookedAt ? channel.sendingEnd.rawValue : nil, cgroup: access,
                hasVersion1: host.cgroups.hasVersion1, sharesProcesses: sharing.processes != nil,
                network: network?.rawValue, neighbour: sharing.neighbour),
            settings: settings, tmpfs: program.tmpfs.map { ($0, tmpfsOptions($0)) }, files: missing,
            links: program.links.filter { !hasFiles || isInMemory($0.path) })
        let (variables, path) = environment(program.environment)
        // The plan has the numbers of descriptors; their owners must outlive the call.
        let process = try withExtendedLifetime((members, birthplace)) {
            try Kernel.spawn(
                arguments: program.command, environment: variables, searchPath: path, namespaces: plan.namespaces,
                pidNamespaceOf: sharing.processes, cgroup: birthplace?.descriptor.rawValue,
                patience: (.seconds(10), sharing.interruption), lookUp: lookUp,
                steps: plan.steps)
        }
        if isLookedAt {
            do {
                view = OwnedView(try channel.receive())
            } catch {
                // Others in a shared namespace can kill what is not ready yet.
                try? process.send(.kill)
                process.awaitEnd(within: .seconds(1))
                _ = try? process.reap(blocking: false)
                if sharing.processes == nil { throw error }
                throw SpawnError(stage: .clone, errno: .noSuchProcess)
            }
        }
        hasFiles = true
        volumes?.use()
        return process
    }

    /// The options of a tmpfs: without a mode of its own it has that of the directory that is there already, as runc gives it
    /// (libcontainer/rootfs_linux.go).
    private func tmpfsOptions(_ path: String) -> TmpfsOptions {
        var options = settings.tmpfsOptions[path] ?? TmpfsOptions()
        if let mode = imagePath(path).flatMap(Files.modeOfDirectory) { options.mode = mode }
        return options
    }

    /// Where the container's root has a path, on the host: in what it has written, in a layer, or in the image.
    private func imagePath(_ path: String) -> String? {
        LayeredTree(["\(directory)/upper"] + overlays + image.layers).find(path)
    }

    /// How many of its processes the kernel has killed for want of memory; 0 where its memory is not limited.
    package var outOfMemoryKillCount: Int { cgroups.all.map(Container.outOfMemoryKillCount).reduce(0, +) }

    /// In which of the two a failed fork counts has changed from kernel to kernel.
    private static func failedForkCount(_ cgroup: Cgroup) -> Int {
        cgroup.sum(of: "max", in: ["pids.events", "members/pids.events"])
    }

    private static func outOfMemoryKillCount(_ cgroup: Cgroup) -> Int {
        cgroup.sum(of: "oom_kill", in: ["memory.oom_control", "members/memory.oom_control", "memory.events"])
    }

    /// The limits that its processes have met so far, as far as the kernel still shows it: its counts of forks that failed and of
    /// processes killed for want of memory, file systems that are full, and whose open files are as many as they may be.
    ///
    /// - Parameter running: those of its processes that run.
    package func limitsMet(by running: [ProcessID]) -> [MetLimit] {
        var result: [MetLimit] = []
        let failedForks = cgroups.thread?.failedForkCount ?? 0
        if failedForks > failedForksBefore || cgroups.all.contains(where: { Container.failedForkCount($0) > 0 }) {
            result.append(.processes(settings.processLimit ?? SandboxHost.processLimit))
        }
        if let limit = settings.memoryLimit, outOfMemoryKillCount > 0 { result.append(.memory(limit)) }
        if let limit = host.cgroups.sharedMemoryLimit, host.cgroups.sharedKillCount > sharedKillsBefore {
            result.append(.memoryOfAll(limit))
        }
        func isFull(_ path: String) -> Bool { (try? Files.space(of: path).isFull) == true }
        if isFull(directory) {
            result.append(.space(.layer, settings.layerLimit ?? SandboxHost.writableLayerLimitInBytes))
        }
        if let volumes {
            for volume in volumes.volumes {
                guard let limit = volume.limit, isFull("\(volumes.directory)/\(volume.name)") else { continue }
                result.append(.space(.volume(volume.name), limit))
            }
            if isFull(volumes.directory) { result.append(.space(.volumes, SandboxHost.writableLayerLimitInBytes)) }
        }
        if let view {
            for path in tmpfs where view.view.isFull(path) {
                let own = settings.tmpfsOptions[path]?.sizeInBytes
                result.append(
                    .space(.tmpfs(path), min(own ?? SandboxPlan.tmpfsLimitInBytes, SandboxPlan.tmpfsLimitInBytes)))
            }
        }
        for pid in running.prefix(Container.processesLookedAt) {
            guard let files = ProcFS.openFiles(of: pid), files.count >= files.limit else { continue }
            result.append(.openFiles(pid, files.limit))
        }
        return result
    }

    /// The open files of no more than these are counted.
    private static let processesLookedAt = 50

    /// What a process of the container has in its environment, and where it looks for programs.
    private func environment(_ own: [String]) -> (variables: [String], searchPath: String) {
        let isRoot = settings.user == nil || settings.user?.user == 0
        let variables = Container.merged(
            ["PATH=\(Container.searchPath)", "HOSTNAME=\(hostname)", isRoot ? "HOME=/root" : "HOME=/"]
                + (settings.hasTerminal ? ["TERM=xterm"] : []) + own)
        return (variables, String(variables.first { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? ""))
    }

    /// Starts a further process in the running container, whose PID 1 this is, as `docker exec` does.
    ///
    /// - Throws: `SpawnError`, when it could not be started; otherwise `SystemCallError` or `Errno`.
    package func execute(
        _ command: [String], environment own: [String], besides process: borrowing PIDDescriptor,
        patience: (limit: Duration, interruption: Int32)
    ) throws -> Started {
        let output = try Pipe()
        let errorOutput = try Pipe()
        let members = try openMembers()
        let birthplace = try openBirthplace()
        let steps = SandboxPlan.stepsOfExec(
            joining: process.descriptor.rawValue, membersDescriptors: members.map { $0.descriptor.rawValue },
            parentDescriptor: host.ownDescriptor.descriptor.rawValue,
            streams: .separate(
                input: nil, output: output.writeEnd.rawValue, error: errorOutput.writeEnd.rawValue),
            settings: settings)
        let (variables, path) = environment(own)
        let started = try withExtendedLifetime((members, birthplace)) {
            try Kernel.spawn(
                arguments: command, environment: variables, searchPath: path, namespaces: [],
                pidNamespaceOf: process.descriptor.rawValue, cgroup: birthplace?.descriptor.rawValue,
                patience: patience, lookUp: lookUp, steps: steps)
        }
        return Started(
            process: started, standardOutput: output.takeReadEnd(), standardError: errorOutput.takeReadEnd())
    }

    /// Freezes every process, or lets them go on.
    ///
    /// - Throws: `SystemCallError`.
    package func setFrozen(_ frozen: Bool) throws { try cgroups.freezer?.set(frozen: frozen) }

    /// Writes into PID 1's open standard input.
    ///
    /// - Throws: `Errno`: EPIPE when nobody reads it any more, ENXIO when there is none.
    package func write(toInput text: String) throws(Errno) {
        guard let openInput else { throw .noSuchDeviceOrAddress }
        try openInput.write(text)
    }

    /// The end of PID 1's open standard input.
    package func closeInput() { openInput = nil }

    /// Looks at a file of the container as PID 1 saw it when it was started, with all that was mounted then; when it has
    /// ended, at what it has left.
    ///
    /// - Throws: `Errno`, for reasons that lie outside the container.
    package func look(at path: String, limitInBytes: Int) throws(Errno) -> RootView.Look? {
        guard let view, volumes?.hides(path) != true else { return nil }
        return try view.view.look(at: path, limitInBytes: limitInBytes)
    }

    /// When each file in its layer and on its volumes was last changed, in nanoseconds since 1970, by its path inside; some
    /// thousands at most.
    package func writtenFiles() -> [String: Int64] {
        var result: [String: Int64] = [:]
        Files.note(filesIn: "\(directory)/upper", as: "", into: &result)
        for (index, mount) in mounts.enumerated() where mount.canBeLayered {
            Files.note(filesIn: "\(directory)/upper-\(index)", as: mount.path, into: &result)
        }
        if let volumes {
            for volume in volumes.volumes {
                Files.note(filesIn: "\(volumes.directory)/\(volume.name)", as: volume.path, into: &result)
            }
        }
        return result
    }

    /// A descriptor that an object owns: it can be given away once.
    private final class OwnedDescriptor {
        private var descriptor: Descriptor?
        init(_ descriptor: consuming Descriptor) { self.descriptor = consume descriptor }

        func write(_ text: String) throws(Errno) {
            switch descriptor {
            case .some(let descriptor): try descriptor.write(text)
            case .none: throw .noSuchDeviceOrAddress
            }
        }

        func take() -> Descriptor {
            guard let taken = descriptor.take() else { preconditionFailure("given away twice") }
            return taken
        }
    }

    private final class OwnedPipe {
        private var pipe: Pipe?
        let readEnd: Int32

        init(_ pipe: consuming Pipe) {
            readEnd = pipe.readEnd.rawValue
            self.pipe = consume pipe
        }

        func takeWriteEnd() -> Descriptor {
            guard let taken = pipe.take() else { preconditionFailure("given away twice") }
            return taken.takeWriteEnd()
        }
    }

    private final class OwnedView {
        let view: RootView
        init(_ view: consuming RootView) { self.view = view }
    }

    /// Each variable once, with the last of its values: getenv(3) would take the first.
    private static func merged(_ variables: [String]) -> [String] {
        var result: [String] = []
        for variable in variables {
            let name = variable.prefix { $0 != "=" }
            result.removeAll { $0.prefix { $0 != "=" } == name }
            result.append(variable)
        }
        return result
    }

    /// Kills the container's remaining processes, as a runtime does when the main process has ended and the PID namespace goes on (containerd,
    /// conmon: kill all). Blocks until none is left, for two seconds at most.
    package func killRest() {
        let deadline = MonotonicInstant.now.advanced(by: .seconds(2))
        var poller = Poller()
        while let cgroup = cgroups.finding, cgroup.killMembers(), MonotonicInstant.now < deadline {
            try? poller.wait(until: .now.advanced(by: .milliseconds(1)))
        }
    }

    /// The former life's; of that nobody is left.
    private func giveBackNetwork() {
        if let former = network.take() { host.networks.giveBack(former) }
    }

    /// Takes the world away. PID 1, if there was one, has been reaped.
    package func remove() {
        giveBackNetwork()
        for cgroup in cgroups.all { cgroup.remove() }
        try? Mount.detach(directory)
        try? Files.removeDirectory(directory)
    }

    /// How long some of its processes have been kept waiting for a processor or a disk in all; nil where the kernel does not say.
    package var stalledTime: Duration? { stallClock?.time }

    /// The lists of members that each of its processes joins.
    private func openMembers() throws -> [OpenCgroup] {
        try (cgroups.joined + (cgroups.shared.map { [$0] } ?? [])).map { try OpenCgroup($0.openMembers()) }
    }

    /// The cgroup that each of its processes is born into.
    private func openBirthplace() throws -> OpenCgroup? {
        try cgroups.birthplace.map { try OpenCgroup($0.openBirthplace()) }
    }

    /// Keeps a cgroup open during a start.
    private final class OpenCgroup {
        let descriptor: Descriptor

        init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
    }
}
