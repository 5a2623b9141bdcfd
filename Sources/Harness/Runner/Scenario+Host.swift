import Kernel
import Model
import Runtimes
import Sandbox

/// What a scenario and a profile take from the host, and what a container is made of.
extension Scenario {
    /// Whether a condition somewhere in it is about a file.
    var asksAboutFiles: Bool { steps.contains { $0.condition?.path != nil } }

    /// The markers that it asks about: they are looked at whenever the container ends too.
    var markers: [String] {
        Set(steps.compactMap { $0.condition?.kind.isAboutMarkers == true ? $0.condition?.path : nil }).sorted()
    }

    /// Whether the container is frozen somewhere in it.
    var pauses: Bool { steps.contains { $0.action == .pause } }

    /// The settings with what the profile needs, where the scenario does not say otherwise.
    func settings(
        with profile: InitProfile, in surroundings: RuntimeSurroundings = RuntimeSurroundings()
    ) -> ContainerSettings {
        var result = settings
        result.cgroup = settings.cgroup ?? profile.cgroup ?? surroundings.cgroup
        result.withheldCapabilities = surroundings.withheldCapabilities
        result.capabilities += surroundings.capabilities
        result.hasTerminal = settings.hasTerminal || profile.hasTerminal
        result.capabilities += profile.capabilities
        // What a runtime mounts by itself may be executed from; nspawn and Podman differ from `--tmpfs` in that.
        for path in surroundings.tmpfs where !profile.tmpfs.contains(path) && !settings.tmpfs.contains(path) {
            var options = TmpfsOptions()
            options.isExecutable = true
            result.tmpfsOptions[path] = options
        }
        return result
    }

    /// The volumes, each with the directory that it begins as by its absolute path, and empty where the runtime does not fill them.
    ///
    /// - Throws: `CannotRun`, where there is no such directory.
    func volumesWithSources(by rules: RuntimeRules) throws -> [Volume] {
        try settings.volumes.map { volume in
            var result = volume
            guard let source = volume.source else {
                result.isEmpty = volume.isEmpty || !rules.fillsVolumes
                return result
            }
            result.source = try directory(source, what: "volume \(volume.name)")
            return result
        }
    }

    /// A directory of the host, from the scenario's file.
    private func directory(_ directory: String, what: String) throws -> String {
        let folder = place.file.lastIndex(of: "/").map { String(place.file[...$0]) } ?? ""
        let path = directory.hasPrefix("/") ? directory : folder + directory
        guard let found = Files.realPath(path), Files.isDirectory(found) else {
            throw CannotRun(reason: "\(place): \(what): there is no directory \(path)", remedy: "make it first")
        }
        return found
    }

    /// What the container finds under `/`, on the host.
    ///
    /// - Throws: `CannotRun`, where there is no such directory.
    func root() throws -> LayeredTree {
        if !settings.imageLayers.isEmpty { return LayeredTree(settings.imageLayers) }
        return try settings.rootDirectory.map { LayeredTree([try directory($0, what: "rootfs")]) } ?? .host
    }
}

extension Scenario {
    /// Paths that its command line, its volumes and its services name, as the host has them.
    func namedPaths(with profile: InitProfile) -> [String] {
        let words = profile.commandLine(for: self) + services.flatMap { $0.program ?? [] }
        return words.filter { $0.hasPrefix("/") }.flatMap { [$0, Files.realPath($0) ?? $0] }
    }

    /// PID 1's command line, and the files of the host that must be bound in for it: what the container's root does not show, because
    /// it is another's, or because it is on a file system that a container has of its own.
    func command(with profile: InitProfile) -> (words: [String], files: [BoundFile]) {
        var words = profile.commandLine(for: self)
        var bound: [BoundFile] = []
        func isOwn(_ path: String) -> Bool {
            settings.files.contains { $0.path == path } || path.hasPrefix("/.harness/")
        }
        if let root = try? self.root(), !root.isHost {
            // An init that the image does not have is the host's, as Docker's --init brings its own.
            guard !profile.command.isEmpty, let program = words.first, !isOwn(program),
                !Container.searchPath.split(separator: ":").contains(where: { directory in
                    let path = program.contains("/") ? program : "\(directory)/\(program)"
                    return LayeredTree(profile.layers + root.layers).find(path).map(Files.isExecutable) == true
                }), let found = Files.find(program: program, in: Container.searchPath),
                let source = Files.realPath(found)
            else { return (words, []) }
            let target = program.contains("/") ? program : "/sbin/\(program)"
            words[0] = target
            return (words, [BoundFile(source: source, target: target)])
        }
        for command in [words] + services.compactMap(\.program) {
            for word in command.programs where HostMounts.canBeBound(word) && !isOwn(word) {
                guard Files.sizeOfRegularFile(word) != nil, let source = Files.realPath(word),
                    HostMounts.canBeBound(source), !bound.contains(where: { $0.target == word })
                else { continue }
                bound.append(BoundFile(source: source, target: word))
            }
        }
        return (words, bound)
    }
}

extension InitProfile {
    /// The directories that are laid over the root.
    ///
    /// - Throws: `CannotRun`, where one is missing.
    func layerDirectories() throws -> [String] {
        try layers.map { layer in
            guard let found = Files.realPath(layer), Files.isDirectory(found) else {
                throw CannotRun(reason: "\(name): there is no directory \(layer)", remedy: "run `make setup`")
            }
            return found
        }
    }
}

extension Condition.Kind {
    fileprivate var isAboutMarkers: Bool { self == .markerWrittenOnce || self == .markerUnchanged }
}

extension [String] {
    /// The words of a command line that are programs: the first, and the script that an interpreter or an init is given.
    fileprivate var programs: [String] {
        enumerated().filter { index, word in
            index == 0 || Files.isExecutable(word) || word.hasSuffix(".sh") || word.hasSuffix(".py")
        }
        .map(\.element)
    }
}
