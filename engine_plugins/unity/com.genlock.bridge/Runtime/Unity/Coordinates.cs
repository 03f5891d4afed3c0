using UnityEngine;

namespace Genlock
{
    /// <summary>Between Unity's left-handed coordinates and the wire's right-handed ones: z is mirrored.</summary>
    public static class Coordinates
    {
        /// <summary>A pose in the tracking space, in the wire's coordinates.</summary>
        public static WirePose ToWire(Vector3 position, Quaternion rotation)
        {
            return new WirePose(position.x, position.y, position.z, rotation.x, rotation.y, rotation.z, rotation.w).Mirrored();
        }

        /// <summary>A pose of the world, in the wire's coordinates of a tracking space.</summary>
        public static WirePose ToWire(Transform trackingSpace, Vector3 position, Quaternion rotation)
        {
            if (trackingSpace == null)
            {
                return ToWire(position, rotation);
            }
            return ToWire(
                trackingSpace.InverseTransformPoint(position), Quaternion.Inverse(trackingSpace.rotation) * rotation);
        }

        /// <summary>A pose of the wire, in the tracking space.</summary>
        public static void FromWire(WirePose pose, out Vector3 position, out Quaternion rotation)
        {
            var unity = pose.Mirrored();
            position = new Vector3(unity.X, unity.Y, unity.Z);
            rotation = new Quaternion(unity.Qx, unity.Qy, unity.Qz, unity.Qw);
        }
    }
}
