import Kernel
import Model

/// The volumes that a container has: they outlive it, and several containers may have the same.
///
/// Belongs to the thread that made it: they are in a file system of that thread's mount tree.
package final class VolumeStore {
    package let volumes: [Volume]
    let directory: String
    private let common: Common

    /// What those know that have some of the same.
    private final class Common {
        /// Those that no container has had yet, by name.
        var fresh: Set<String>
        var removedCount = 0
        /// Those that were removed since, by name.
        var removed: Set<String> = []

        init(fresh: Set<String>) { self.fresh = fresh }
    }

    /// Some of the volumes of another, each at a path of its own.
    package init(of other: VolumeStore, _ volumes: [Volume]) {
        self.volumes = volumes
        directory = other.directory
        common = other.common
    }

    /// - Throws: `SystemCallError`; what was made so far is gone then.
    package init(host: SandboxHost, _ volumes: [Volume]) throws {
        self.volumes = volumes
        common = Common(fresh: Set(volumes.map(\.name)))
        directory = "\(host.directory)/volumes-\(host.nextContainerNumber())"
        try Files.makeDirectory(directory)
        do {
            try Mount.mount(
                source: "harness", on: directory, type: "tmpfs", flags: [.noSetuid, .noDevices],
                data: "mode=700,size=\(SandboxHost.writableLayerLimitInBytes),nr_inodes=65536")
            for volume in volumes { try make(volume) }
        } catch {
            remove()
            throw error
        }
    }

    /// An emptyDir is open to every user (kubernetes, pkg/volume/emptydir: perm); Docker's are root's.
    private func make(_ volume: Volume) throws {
        let mode: UInt16 = volume.isEmpty ? 0o777 : 0o755
        try Files.makeDirectory(path(volume), mode: UInt32(mode))
        guard let limit = volume.limit else { return }
        // A file system of its own, which is full when it says so.
        try Mount.mount(
            source: "harness", on: path(volume), type: "tmpfs", flags: [.noSetuid, .noDevices],
            data: "mode=\(Spelling.octal(mode)),size=\(limit)")
    }

    private func path(_ volume: Volume) -> String { "\(directory)/\(volume.name)" }

    /// Whether a file of this path is on a volume.
    func holds(_ path: String) -> Bool { volumes.contains { Self.isBelow(path, $0.path) } }

    private static func isBelow(_ path: String, _ directory: String) -> Bool {
        path.split(separator: "/").starts(with: directory.split(separator: "/"))
    }

    /// Whether a file of this path is on a volume that no container has had yet.
    func isFresh(_ path: String) -> Bool {
        volumes.contains { common.fresh.contains($0.name) && Self.isBelow(path, $0.path) }
    }

    /// A container has them from here on.
    func use() {
        common.fresh.subtract(volumes.map(\.name))
        common.removed.subtract(volumes.map(\.name))
    }

    /// Whether a file of this path was on a volume that has been removed since a container last had it: who looks from the old container
    /// still sees what was there.
    package func hides(_ path: String) -> Bool {
        let holding = volumes.filter { Self.isBelow(path, $0.path) }.max {
            $0.path.split(separator: "/").count < $1.path.split(separator: "/").count
        }
        return holding.map { common.removed.contains($0.name) } ?? false
    }

    /// Empties one, as if it were new.
    ///
    /// - Throws: `SystemCallError`.
    package func empty(_ name: String) throws {
        guard let volume = volumes.first(where: { $0.name == name }) else { return }
        if volume.limit != nil { try Mount.detach(path(volume)) }
        // Out of the way is enough: nobody can get there, and it goes with the rest.
        common.removedCount += 1
        try Files.move(path(volume), to: "\(directory)/.removed-\(common.removedCount)")
        try make(volume)
        common.fresh.insert(name)
        common.removed.insert(name)
    }

    /// Directories of the host's own root whose content is no image's.
    private static let volatile = ["/tmp", "/run", "/var/tmp", "/var/run", "/dev", "/proc", "/sys", "/mnt", "/media"]
    /// More than this is copied of no directory.
    private static let copyLimitInBytes = 128 << 20

    /// Copies into each that is empty what the image has at its place, with owner and mode; called for each new container (moby,
    /// daemon/create_unix.go: populateVolumes).
    ///
    /// - Parameters:
    ///   - image: the image's root, on the host.
    ///   - overlays: directories that are laid over it, the first on top.
    /// - Throws: `SystemCallError`.
    package func fill(from image: LayeredTree, overlays: [String]) throws {
        let root = LayeredTree(overlays + image.layers)
        for volume in volumes where !volume.isEmpty && Files.names(in: path(volume)).isEmpty {
            if let source = volume.source {
                try fill(volume, from: "/", of: LayeredTree([source]), withContent: true)
            } else if let place = root.realPath(volume.path), root.find(place).map(Files.isDirectory) == true {
                let isVolatile = image.isHost && VolumeStore.volatile.contains { Self.isBelow(volume.path, $0) }
                try fill(volume, from: place, of: root, withContent: !isVolatile)
            }
        }
        for volume in volumes where common.fresh.contains(volume.name) {
            guard let owner = volume.owner else { continue }
            try Files.setOwner(ofTree: path(volume), user: owner.user, group: owner.group)
        }
    }

    private func fill(_ volume: Volume, from source: String, of root: LayeredTree, withContent: Bool) throws {
        if withContent {
            guard root.size(of: source, upTo: VolumeStore.copyLimitInBytes) <= VolumeStore.copyLimitInBytes else {
                throw SystemCallError(
                    "copy more than 128 MiB into the volume \(volume.name) from", source, .fileTooLarge)
            }
            try root.copyContents(of: source, to: path(volume))
        }
        if let own = root.find(source) { try Files.copyOwnerAndMode(from: own, to: path(volume)) }
    }

    /// Takes them away, with everything in them.
    package func remove() {
        try? Mount.detach(directory)
        try? Files.removeDirectory(directory)
    }
}
