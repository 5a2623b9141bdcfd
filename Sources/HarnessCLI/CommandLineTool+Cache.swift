import Glibc
import Harness

extension CommandLineTool {
    /// `harness cache`: what has been unpacked of images.
    static func cache(_ arguments: [String]) -> Int32 {
        guard let cache = ImageCache() else { return complain("there is no cache: set XDG_CACHE_HOME or HOME") }
        switch arguments {
        case [], ["list"]:
            let layers = cache.layers
            for layer in layers.reversed() {
                let size = "\(layer.sizeInBytes >> 20) MiB"
                write("\(layer.name.prefix(12))  \(day(layer.lastUse))  \(size)\n", to: STDOUT_FILENO)
            }
            let total = layers.reduce(0) { $0 + $1.sizeInBytes } >> 20
            write("\(layers.count) layer\(layers.count == 1 ? "" : "s"), \(total) MiB\n", to: STDOUT_FILENO)
            return Status.passed
        case ["clear"]:
            let (removed, inUse) = cache.clear()
            write("\(removed) removed\(inUse > 0 ? ", \(inUse) in use" : "")\n", to: STDOUT_FILENO)
            return Status.passed
        default: return complain("cache takes 'list' or 'clear', not '\(arguments.joined(separator: " "))'")
        }
    }

    /// `2026-11-21`, UTC.
    private static func day(_ seconds: Int) -> String {
        var (time, parts) = (time_t(seconds), tm())
        gmtime_r(&time, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    }
}
