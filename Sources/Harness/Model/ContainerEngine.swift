/// What a kubelet gives its containers to (Kubernetes' container runtime interface).
public struct ContainerEngine: Hashable, Sendable, CustomStringConvertible {
    public enum Name: String, CaseIterable, Hashable, Sendable {
        case containerd
        case crio = "cri-o"
    }

    public var name: Name
    /// Major, minor and patch, as far as they are given.
    public var version: [Int]

    /// Reads `containerd`, `cri-o` or `cri-o:1.22.0`.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let name = Name(rawValue: String(parts[0])), parts.count <= 2 else { return nil }
        self.name = name
        version = []
        guard parts.count == 2 else { return }
        for number in parts[1].split(separator: ".", omittingEmptySubsequences: false) {
            guard let value = Int(number), (0...10_000).contains(value), number.first != "+" else { return nil }
            version.append(value)
        }
        if !(1...3).contains(version.count) { return nil }
    }

    public var description: String {
        name.rawValue + (version.isEmpty ? "" : ":" + version.map(String.init).joined(separator: "."))
    }

    /// CRI-O 1.18.0 to 1.22.0 took the numbers and names of real-time signals for no signals, and sent SIGTERM (cri-o/cri-o#5148; repaired in 1.22.1 and
    /// 1.23.0).
    public var losesRealTimeSignals: Bool {
        guard name == .crio, !version.isEmpty else { return false }
        let padded = version + Array(repeating: 0, count: 3 - version.count)
        return !padded.lexicographicallyPrecedes([1, 18, 0]) && padded.lexicographicallyPrecedes([1, 22, 1])
    }
}
