using System;
using System.Collections.Generic;

namespace UnityEngine.XR
{
    public enum XRNode
    {
        LeftEye,
        RightEye,
        CenterEye,
        Head,
        LeftHand,
        RightHand,
    }

    [Flags]
    public enum InputDeviceCharacteristics : uint
    {
        None = 0,
        EyeTracking = 16,
    }

    public struct InputFeatureUsage<T>
    {
        public InputFeatureUsage(string usageName)
        {
            name = usageName;
        }

        public string name { get; set; }
    }

    public static class CommonUsages
    {
        public static InputFeatureUsage<bool> isTracked = new InputFeatureUsage<bool>("IsTracked");
        public static InputFeatureUsage<bool> primaryButton = new InputFeatureUsage<bool>("PrimaryButton");
        public static InputFeatureUsage<bool> secondaryButton = new InputFeatureUsage<bool>("SecondaryButton");
        public static InputFeatureUsage<bool> menuButton = new InputFeatureUsage<bool>("MenuButton");
        public static InputFeatureUsage<bool> primary2DAxisClick = new InputFeatureUsage<bool>("Primary2DAxisClick");
        public static InputFeatureUsage<float> trigger = new InputFeatureUsage<float>("Trigger");
        public static InputFeatureUsage<float> grip = new InputFeatureUsage<float>("Grip");
        public static InputFeatureUsage<Vector2> primary2DAxis = new InputFeatureUsage<Vector2>("Primary2DAxis");
        public static InputFeatureUsage<Vector3> devicePosition = new InputFeatureUsage<Vector3>("DevicePosition");
        public static InputFeatureUsage<Quaternion> deviceRotation = new InputFeatureUsage<Quaternion>("DeviceRotation");
    }

    /// <summary>Features are those of Engine.Features, named "NODE/usage".</summary>
    public struct InputDevice
    {
        internal string Node;

        public bool isValid
        {
            get { return Node != null; }
        }

        public bool TryGetFeatureValue(InputFeatureUsage<bool> usage, out bool value)
        {
            return TryGet(usage.name, out value);
        }

        public bool TryGetFeatureValue(InputFeatureUsage<float> usage, out float value)
        {
            return TryGet(usage.name, out value);
        }

        public bool TryGetFeatureValue(InputFeatureUsage<Vector2> usage, out Vector2 value)
        {
            return TryGet(usage.name, out value);
        }

        public bool TryGetFeatureValue(InputFeatureUsage<Vector3> usage, out Vector3 value)
        {
            return TryGet(usage.name, out value);
        }

        public bool TryGetFeatureValue(InputFeatureUsage<Quaternion> usage, out Quaternion value)
        {
            return TryGet(usage.name, out value);
        }

        private bool TryGet<T>(string usage, out T value)
        {
            object there;
            var found = Engine.Features.TryGetValue(Node + "/" + usage, out there);
            value = found ? (T)there : default(T);
            return found;
        }
    }

    public static class InputDevices
    {
        public static InputDevice GetDeviceAtXRNode(XRNode node)
        {
            return new InputDevice { Node = Engine.Features.ContainsKey(node.ToString()) ? node.ToString() : null };
        }

        public static void GetDevicesWithCharacteristics(
            InputDeviceCharacteristics desiredCharacteristics, List<InputDevice> inputDevices)
        {
            inputDevices.Clear();
            if (Engine.Features.ContainsKey("Eyes"))
            {
                inputDevices.Add(new InputDevice { Node = "Eyes" });
            }
        }
    }

    public class XRDisplaySubsystemDescriptor : IntegratedSubsystemDescriptor<XRDisplaySubsystem>
    {
    }

    public class XRDisplaySubsystem : IntegratedSubsystem<XRDisplaySubsystemDescriptor>
    {
        internal float Hz;

        public bool TryGetDisplayRefreshRate(out float displayRefreshRate)
        {
            displayRefreshRate = Hz;
            return Hz > 0f;
        }
    }
}
