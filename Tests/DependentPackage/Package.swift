// swift-tools-version: 6.1
import PackageDescription

// A package of somebody who writes an init, and tests it with this one. `.package(url: …)` in place of the path is all
// that differs elsewhere.
let package = Package(
    name: "my-init",
    dependencies: [.package(name: "harness", path: "../..")],
    targets: [
        .testTarget(
            name: "MyInitTests",
            dependencies: [
                .product(name: "HarnessTesting", package: "harness"),
                // What runs inside the containers; it is built beside the tests, and found there.
                .product(name: "fake-services", package: "harness"),
            ])
    ]
)
