import Kernel

/// What has been unpacked of images, and when it was last used.
package struct ImageCache: Sendable {
    private let directory: String

    /// The user's; nil where the environment does not say where that is.
    package init?() {
        guard let directory = ImageStore.usualDirectory else { return nil }
        self.init(directory)
    }

    init(_ directory: String) { self.directory = directory }

    /// Beyond this what has not been used longest is taken away.
    private static let limitInBytes = 20 << 30

    /// A layer.
    package struct Layer: Sendable {
        /// Its digest, 64 hexadecimal digits; of an exported root after `root-`.
        package let name: String
        /// Of its archive.
        package let sizeInBytes: Int
        /// In seconds since 1970.
        package let lastUse: Int
        let path: String
    }

    /// The layers, those first that have not been used longest.
    package var layers: [Layer] {
        Files.names(in: directory + "/layers").map { name in
            let path = "\(directory)/layers/\(name)"
            let size = Files.text(of: path + "/size").flatMap { Int($0.filter(\.isNumber)) }
            return Layer(
                name: name, sizeInBytes: size ?? 0, lastUse: Files.modificationTime(of: path) ?? 0, path: path)
        }.sorted { ($0.lastUse, $0.name) < ($1.lastUse, $1.name) }
    }

    /// Takes away what no run uses.
    ///
    /// - Returns: how many layers, and how many of them are in use and stay.
    package func clear() -> (removed: Int, inUse: Int) {
        let all = layers
        let removed = all.count(where: remove)
        Files.removeTree(directory + "/known")
        // What runs that were killed have left of theirs.
        for name in Files.names(in: directory) where name.hasPrefix("staging-") {
            guard let claim = Claim.abandoned("\(directory)/\(name)") else { continue }
            withExtendedLifetime(claim) { _ = Files.removeTree("\(directory)/\(name)") }
        }
        return (removed, all.count - removed)
    }

    /// Takes away what has not been used longest, as long as there is too much.
    func trim() {
        let all = layers
        var size = all.reduce(0) { $0 + $1.sizeInBytes }
        for layer in all where size > ImageCache.limitInBytes {
            if remove(layer) { size -= layer.sizeInBytes }
        }
    }

    private func remove(_ layer: Layer) -> Bool {
        guard let claim = Claim.abandoned(layer.path) else { return false }
        return withExtendedLifetime(claim) {
            // Out of the way first: half of a layer is none.
            let grave = "\(directory)/staging-\(RunName())-removed-\(layer.name)"
            guard (try? Files.move(layer.path, to: grave)) != nil else { return false }
            return Files.removeTree(grave)
        }
    }
}
