// Signatures of UnityEngine that the package uses, with just enough behind them to run its logic. PAGES.md says what each was
// held against.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Genlock.Unity.Tests")]

namespace UnityEngine
{
    public class Object
    {
        internal bool Destroyed;

        public string name { get; set; } = "";

#if UNITY_2023_1_OR_NEWER
        [Obsolete("Use FindAnyObjectByType")]
#endif
        public static T FindObjectOfType<T>() where T : Object
        {
            return Engine.Active<T>();
        }

#if UNITY_2023_1_OR_NEWER
        public static T FindAnyObjectByType<T>() where T : Object
        {
            return Engine.Active<T>();
        }
#endif

        public static void Destroy(Object obj)
        {
            Engine.Destroy(obj);
        }

        public static implicit operator bool(Object exists)
        {
            return !ReferenceEquals(exists, null) && !exists.Destroyed;
        }

        public static bool operator ==(Object x, Object y)
        {
            return (x ? (object)x : null) == (y ? (object)y : null);
        }

        public static bool operator !=(Object x, Object y)
        {
            return !(x == y);
        }

        public override bool Equals(object other)
        {
            return ReferenceEquals(this, other);
        }

        public override int GetHashCode()
        {
            return base.GetHashCode();
        }
    }

    public class Component : Object
    {
        public GameObject gameObject { get; internal set; }

        public Transform transform
        {
            get { return gameObject.transform; }
        }

        public new string name
        {
            get { return gameObject.name; }
            set { gameObject.name = value; }
        }

        public T GetComponent<T>()
        {
            return gameObject.GetComponent<T>();
        }

        public T GetComponentInParent<T>()
        {
            for (var at = transform; at != null; at = at.parent)
            {
                var found = at.gameObject.GetComponent<T>();
                if (found != null)
                {
                    return found;
                }
            }
            return default(T);
        }

        public T GetComponentInChildren<T>()
        {
            return GetComponentsInChildren<T>().FirstOrDefault();
        }

        public T[] GetComponentsInChildren<T>()
        {
            var found = new List<T>();
            GetComponentsInChildren(false, found);
            return found.ToArray();
        }

        public void GetComponentsInChildren<T>(bool includeInactive, List<T> result)
        {
            result.Clear();
            gameObject.Collect(includeInactive, result);
        }
    }

    public class Behaviour : Component
    {
        private bool _enabled = true;

        public bool enabled
        {
            get
            {
                return _enabled;
            }

            set
            {
                _enabled = value;
                Engine.Refresh(gameObject);
            }
        }

        public bool isActiveAndEnabled
        {
            get { return _enabled && gameObject.activeInHierarchy; }
        }
    }

    public class MonoBehaviour : Behaviour
    {
    }

    public class ScriptableObject : Object
    {
        public static T CreateInstance<T>() where T : ScriptableObject
        {
            return (T)Activator.CreateInstance(typeof(T), true);
        }
    }

    public sealed class GameObject : Object
    {
        internal readonly List<Component> Parts = new List<Component>();

        public GameObject(string name)
        {
            this.name = name;
            transform = new Transform { gameObject = this };
            Parts.Add(transform);
        }

        public Transform transform { get; private set; }

        public bool activeSelf { get; private set; } = true;

        public bool activeInHierarchy
        {
            get { return activeSelf && (transform.parent == null || transform.parent.gameObject.activeInHierarchy); }
        }

        public string tag { get; set; } = "Untagged";

        public static GameObject CreatePrimitive(PrimitiveType type)
        {
            var made = new GameObject(type.ToString());
            made.AddComponent<Renderer>();
            made.AddComponent<Collider>();
            return made;
        }

        public T AddComponent<T>() where T : Component
        {
            var part = (T)Activator.CreateInstance(typeof(T), true);
            part.gameObject = this;
            Engine.Fill(part);
            Parts.Add(part);
            Engine.Components.Add(part);
            Engine.Refresh(this);
            return part;
        }

        public T GetComponent<T>()
        {
            return Parts.Where(part => part).OfType<T>().FirstOrDefault();
        }

        public void SetActive(bool value)
        {
            activeSelf = value;
            Engine.Refresh(this);
        }

        internal void Collect<T>(bool includeInactive, List<T> result)
        {
            if (!includeInactive && !activeInHierarchy)
            {
                return;
            }
            result.AddRange(Parts.Where(part => part).OfType<T>());
            foreach (var child in transform.Children)
            {
                child.gameObject.Collect(includeInactive, result);
            }
        }
    }

    public enum PrimitiveType
    {
        Sphere,
        Capsule,
        Cylinder,
        Cube,
        Plane,
        Quad,
    }

    public class Transform : Component
    {
        internal readonly List<Transform> Children = new List<Transform>();
        private Transform _parent;

        public Vector3 forward
        {
            get { return rotation * Vector3.forward; }
        }

        public Vector3 localPosition { get; set; }

        public Quaternion localRotation { get; set; } = Quaternion.identity;

        public Vector3 localScale { get; set; } = new Vector3(1f, 1f, 1f);

        public Transform parent
        {
            get { return _parent; }
            set { SetParent(value, true); }
        }

        public Transform root
        {
            get { return _parent == null ? this : _parent.root; }
        }

        public int childCount
        {
            get { return Children.Count; }
        }

        public Vector3 position
        {
            get { return _parent == null ? localPosition : _parent.TransformPoint(localPosition); }
            set { localPosition = _parent == null ? value : _parent.InverseTransformPoint(value); }
        }

        public Quaternion rotation
        {
            get { return _parent == null ? localRotation : _parent.rotation * localRotation; }
            set { localRotation = _parent == null ? value : Quaternion.Inverse(_parent.rotation) * value; }
        }

        public Transform GetChild(int index)
        {
            return Children[index];
        }

        public int GetSiblingIndex()
        {
            return _parent == null ? Engine.Roots().IndexOf(this) : _parent.Children.IndexOf(this);
        }

        public void SetParent(Transform p, bool worldPositionStays)
        {
            var at = position;
            var turned = rotation;
            if (_parent != null)
            {
                _parent.Children.Remove(this);
            }
            _parent = p;
            if (p != null)
            {
                p.Children.Add(this);
            }
            if (worldPositionStays)
            {
                SetPositionAndRotation(at, turned);
            }
        }

        public void SetPositionAndRotation(Vector3 position, Quaternion rotation)
        {
            this.position = position;
            this.rotation = rotation;
        }

        public void Rotate(Vector3 eulers)
        {
            localRotation = localRotation * Quaternion.Euler(eulers.x, eulers.y, eulers.z);
        }

        public Vector3 TransformPoint(Vector3 position)
        {
            var there = localRotation * Vector3.Scale(localScale, position) + localPosition;
            return _parent == null ? there : _parent.TransformPoint(there);
        }

        public Vector3 InverseTransformPoint(Vector3 position)
        {
            var there = (_parent == null ? position : _parent.InverseTransformPoint(position)) - localPosition;
            var turned = Quaternion.Inverse(localRotation) * there;
            return new Vector3(turned.x / localScale.x, turned.y / localScale.y, turned.z / localScale.z);
        }
    }

    public struct Vector2
    {
        public float x;
        public float y;

        public Vector2(float x, float y)
        {
            this.x = x;
            this.y = y;
        }

        public static Vector2 zero
        {
            get { return default(Vector2); }
        }
    }

    public struct Vector3
    {
        public float x;
        public float y;
        public float z;

        public Vector3(float x, float y, float z)
        {
            this.x = x;
            this.y = y;
            this.z = z;
        }

        public static Vector3 zero
        {
            get { return default(Vector3); }
        }

        public static Vector3 one
        {
            get { return new Vector3(1f, 1f, 1f); }
        }

        public static Vector3 up
        {
            get { return new Vector3(0f, 1f, 0f); }
        }

        public static Vector3 forward
        {
            get { return new Vector3(0f, 0f, 1f); }
        }

        public static Vector3 Scale(Vector3 a, Vector3 b)
        {
            return new Vector3(a.x * b.x, a.y * b.y, a.z * b.z);
        }

        public static Vector3 operator +(Vector3 a, Vector3 b)
        {
            return new Vector3(a.x + b.x, a.y + b.y, a.z + b.z);
        }

        public static Vector3 operator -(Vector3 a, Vector3 b)
        {
            return new Vector3(a.x - b.x, a.y - b.y, a.z - b.z);
        }

        public static Vector3 operator *(Vector3 a, float d)
        {
            return new Vector3(a.x * d, a.y * d, a.z * d);
        }
    }

    public struct Quaternion
    {
        public float x;
        public float y;
        public float z;
        public float w;

        public Quaternion(float x, float y, float z, float w)
        {
            this.x = x;
            this.y = y;
            this.z = z;
            this.w = w;
        }

        public static Quaternion identity
        {
            get { return new Quaternion(0f, 0f, 0f, 1f); }
        }

        public static Quaternion Inverse(Quaternion rotation)
        {
            return new Quaternion(-rotation.x, -rotation.y, -rotation.z, rotation.w);
        }

        public static Quaternion Euler(float x, float y, float z)
        {
            return About(0f, 1f, 0f, y) * About(1f, 0f, 0f, x) * About(0f, 0f, 1f, z);
        }

        public static Quaternion operator *(Quaternion a, Quaternion b)
        {
            return new Quaternion(
                a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
                a.w * b.y + a.y * b.w + a.z * b.x - a.x * b.z,
                a.w * b.z + a.z * b.w + a.x * b.y - a.y * b.x,
                a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z);
        }

        public static Vector3 operator *(Quaternion rotation, Vector3 point)
        {
            var turned = rotation * new Quaternion(point.x, point.y, point.z, 0f) * Inverse(rotation);
            return new Vector3(turned.x, turned.y, turned.z);
        }

        private static Quaternion About(float x, float y, float z, float degrees)
        {
            var half = degrees * Math.PI / 360.0;
            var sine = (float)Math.Sin(half);
            return new Quaternion(x * sine, y * sine, z * sine, (float)Math.Cos(half));
        }
    }

    public struct Pose
    {
        public Vector3 position;
        public Quaternion rotation;

        public Pose(Vector3 position, Quaternion rotation)
        {
            this.position = position;
            this.rotation = rotation;
        }
    }

    public struct Color
    {
        public float r;
        public float g;
        public float b;
        public float a;

        public Color(float r, float g, float b)
        {
            this.r = r;
            this.g = g;
            this.b = b;
            a = 1f;
        }

        public static Color red
        {
            get { return new Color(1f, 0f, 0f); }
        }

        public static Color green
        {
            get { return new Color(0f, 1f, 0f); }
        }

        public static Color blue
        {
            get { return new Color(0f, 0f, 1f); }
        }

        public static Color white
        {
            get { return new Color(1f, 1f, 1f); }
        }

        public static Color yellow
        {
            get { return new Color(1f, 0.92f, 0.016f); }
        }
    }

    public struct Bounds
    {
        public Bounds(Vector3 center, Vector3 size)
        {
            this.center = center;
            extents = size * 0.5f;
        }

        public Vector3 center { get; set; }

        public Vector3 extents { get; set; }

        public Vector3 size
        {
            get { return extents * 2f; }
            set { extents = value * 0.5f; }
        }

        public Vector3 min
        {
            get { return center - extents; }
        }

        public Vector3 max
        {
            get { return center + extents; }
        }

        public void Encapsulate(Vector3 point)
        {
            var low = min;
            var high = max;
            low = new Vector3(Math.Min(low.x, point.x), Math.Min(low.y, point.y), Math.Min(low.z, point.z));
            high = new Vector3(Math.Max(high.x, point.x), Math.Max(high.y, point.y), Math.Max(high.z, point.z));
            center = (low + high) * 0.5f;
            extents = (high - low) * 0.5f;
        }

        public void Encapsulate(Bounds bounds)
        {
            Encapsulate(bounds.min);
            Encapsulate(bounds.max);
        }
    }

    public struct Mathf
    {
        public static float Abs(float f)
        {
            return Math.Abs(f);
        }
    }

    public sealed class Resources
    {
        public static T[] FindObjectsOfTypeAll<T>() where T : Object
        {
            return Engine.Components.OfType<T>().Where(found => found).ToArray();
        }
    }

    public class TextAsset : Object
    {
        public TextAsset(string text)
        {
            bytes = System.Text.Encoding.UTF8.GetBytes(text);
        }

        public byte[] bytes { get; }
    }

    public class Material : Object
    {
        internal Material()
        {
        }

        public Color color { get; set; }
    }

    /// <summary>Its bounds are a cube of the transform's scale.</summary>
    public class Renderer : Component
    {
        public Bounds bounds
        {
            get { return new Bounds(transform.position, transform.localScale); }
        }

        public Material material { get; set; } = new Material();
    }

    public class Collider : Component
    {
        public Bounds bounds
        {
            get { return new Bounds(transform.position, transform.localScale); }
        }
    }

    public sealed class Camera : Behaviour
    {
        public static Camera main
        {
            get { return Engine.Components.OfType<Camera>().FirstOrDefault(found => found && found.gameObject.tag == "MainCamera"); }
        }
    }

    public enum LightType
    {
        Spot,
        Directional,
        Point,
    }

    public sealed class Light : Behaviour
    {
        public LightType type { get; set; }
    }

    public class Time
    {
        public static float unscaledTime
        {
            get { return (float)Engine.Now; }
        }

        public static int frameCount
        {
            get { return Engine.Frames; }
        }

        public static double unscaledTimeAsDouble
        {
            get { return Engine.Now; }
        }
    }

    public class Application
    {
        public static string productName
        {
            get { return "stub"; }
        }

        public static string version
        {
            get { return "1.2.3"; }
        }

        public static string unityVersion
        {
            get { return "2021.3.0f1"; }
        }
    }

    public sealed class SystemInfo
    {
        public static string deviceModel
        {
            get { return "stub"; }
        }

        public static string deviceUniqueIdentifier
        {
            get { return "device-1"; }
        }
    }

    public class Debug
    {
        public static void Log(object message)
        {
            Engine.Log.Add("log: " + message);
        }

        public static void LogWarning(object message)
        {
            Engine.Log.Add("warning: " + message);
        }

        public static void LogWarning(object message, Object context)
        {
            LogWarning(message);
        }

        public static void LogError(object message, Object context)
        {
            Engine.Log.Add("error: " + message);
        }

        public static void LogException(Exception exception, Object context)
        {
            Engine.Log.Add("exception: " + exception);
        }
    }

    public sealed class AudioClip : Object
    {
        public int samples { get; internal set; }

        public int channels { get; internal set; }

        public int frequency { get; internal set; }

        public bool GetData(float[] data, int offsetSamples)
        {
            for (var i = 0; i < data.Length; i++)
            {
                data[i] = Engine.Sound[(offsetSamples * channels + i) % (samples * channels)];
            }
            return true;
        }
    }

    public sealed class Microphone
    {
        public static string[] devices
        {
            get { return Engine.Sound.Length > 0 ? new[] { "stub" } : new string[0]; }
        }

        public static AudioClip Start(string deviceName, bool loop, int lengthSec, int frequency)
        {
            Engine.Recording = true;
            Engine.Position = 0;
            Engine.Sound = new float[lengthSec * frequency];
            return new AudioClip { samples = lengthSec * frequency, channels = 1, frequency = frequency };
        }

        public static void End(string deviceName)
        {
            Engine.Recording = false;
        }

        public static bool IsRecording(string deviceName)
        {
            return Engine.Recording;
        }

        public static int GetPosition(string deviceName)
        {
            return Engine.Position;
        }

        public static void GetDeviceCaps(string deviceName, out int minFreq, out int maxFreq)
        {
            minFreq = Engine.MicrophoneHz;
            maxFreq = Engine.MicrophoneHz;
        }
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class SerializeField : Attribute
    {
    }

    public abstract class PropertyAttribute : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.Field)]
    public class TooltipAttribute : PropertyAttribute
    {
        public TooltipAttribute(string tooltip)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Field, AllowMultiple = true)]
    public class HeaderAttribute : PropertyAttribute
    {
        public HeaderAttribute(string header)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class RangeAttribute : PropertyAttribute
    {
        public RangeAttribute(float min, float max)
        {
        }
    }

    public sealed class AddComponentMenu : Attribute
    {
        public AddComponentMenu(string menuName)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
    public sealed class RequireComponent : Attribute
    {
        public RequireComponent(Type requiredComponent)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Class, Inherited = false)]
    public sealed class DisallowMultipleComponent : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.Class)]
    public class DefaultExecutionOrder : Attribute
    {
        public DefaultExecutionOrder(int order)
        {
            this.order = order;
        }

        public int order { get; }
    }

    [AttributeUsage(AttributeTargets.Class, Inherited = false)]
    public sealed class CreateAssetMenuAttribute : Attribute
    {
        public string menuName { get; set; }

        public string fileName { get; set; }
    }

    public interface ISubsystem
    {
        bool running { get; }
    }

    public static class SubsystemManager
    {
        public static void GetSubsystems<T>(List<T> subsystems) where T : ISubsystem
        {
            subsystems.Clear();
            subsystems.AddRange(Engine.Subsystems.OfType<T>());
        }
    }

    public class IntegratedSubsystem : ISubsystem
    {
        public bool running { get; internal set; } = true;
    }

    public class IntegratedSubsystem<TSubsystemDescriptor> : IntegratedSubsystem where TSubsystemDescriptor : ISubsystemDescriptor
    {
        public TSubsystemDescriptor subsystemDescriptor { get; internal set; }
    }

    public interface ISubsystemDescriptor
    {
        string id { get; }
    }

    public abstract class IntegratedSubsystemDescriptor : ISubsystemDescriptor
    {
        public string id { get; internal set; }
    }

    public class IntegratedSubsystemDescriptor<TSubsystem> : IntegratedSubsystemDescriptor where TSubsystem : IntegratedSubsystem
    {
    }

    /// <summary>No part of Unity: runs the stubs. One engine a process, as Unity is.</summary>
    public static class Engine
    {
        public static readonly List<Component> Components = new List<Component>();
        public static readonly List<string> Log = new List<string>();
        public static readonly List<object> Subsystems = new List<object>();
        public static readonly Dictionary<string, object> Features = new Dictionary<string, object>();
        public static float[] Sound = new float[1];
        private static readonly HashSet<Component> Awoken = new HashSet<Component>();
        private static readonly HashSet<Component> Running = new HashSet<Component>();

        public static double Now { get; set; }

        public static int Frames { get; private set; }

        public static int Position { get; set; }

        public static int MicrophoneHz { get; set; } = 48000;

        public static bool Recording { get; set; }

        /// <summary>The button that is pressed whenever it is drawn.</summary>
        public static string Pressed { get; set; }

        /// <summary>Whether the user changed something in the inspector that is drawn.</summary>
        public static bool Edited { get; set; }

        /// <summary>What the user answers when the editor asks whether to save.</summary>
        public static bool UserCancels { get; set; }

        /// <summary>How often it was asked whether the app has a permission.</summary>
        public static int PermissionLooks { get; set; }

        /// <summary>Of the last permission that the user was asked for.</summary>
        public static Android.PermissionCallbacks Asked { get; set; }

        /// <summary>One frame: every Update by execution order, then every LateUpdate.</summary>
        public static void Tick(double seconds)
        {
            Now += seconds;
            Frames++;
            Call("Update");
            Call("LateUpdate");
        }

        /// <summary>The app goes to sleep or wakes.</summary>
        public static void Pause(bool paused)
        {
            foreach (var part in Running.ToArray())
            {
                var method = part.GetType().GetMethod(
                    "OnApplicationPause", BindingFlags.Instance | BindingFlags.NonPublic, null, new[] { typeof(bool) }, null);
                if (method != null)
                {
                    method.Invoke(part, new object[] { paused });
                }
            }
        }

        /// <summary>Ends everything that there is, as a change of scene does.</summary>
        public static void Clear()
        {
            foreach (var part in Components.ToArray())
            {
                Destroy(part);
            }
            Components.Clear();
            UserCancels = false;
            Pressed = null;
            Edited = false;
            Log.Clear();
            Subsystems.Clear();
            Features.Clear();
        }

        /// <summary>Serialized fields of the Input System are never empty: each has an action of its own, without bindings.</summary>
        internal static void Fill(Component part)
        {
            foreach (var field in part.GetType().GetFields(BindingFlags.Instance | BindingFlags.NonPublic))
            {
                if (field.FieldType == typeof(InputSystem.InputActionProperty))
                {
                    field.SetValue(part, new InputSystem.InputActionProperty(new InputSystem.InputAction(0)));
                }
            }
        }

        /// <summary>Of all that has a component.</summary>
        internal static List<Transform> Roots()
        {
            return Components.Where(part => part && part.gameObject).Select(part => part.transform.root).Distinct().ToList();
        }

        internal static T Active<T>() where T : Object
        {
            return Components.Where(part => part && part.gameObject.activeInHierarchy).OfType<T>().FirstOrDefault();
        }

        internal static void Destroy(Object victim)
        {
            var whole = victim as GameObject;
            if (!ReferenceEquals(whole, null))
            {
                foreach (var child in whole.transform.Children.ToArray())
                {
                    Destroy(child.gameObject);
                }
                foreach (var part in whole.Parts.ToArray())
                {
                    Destroy(part);
                }
            }
            var component = victim as Component;
            if (!ReferenceEquals(component, null) && Running.Remove(component))
            {
                Call(component, "OnDisable");
            }
            if (!ReferenceEquals(victim, null))
            {
                victim.Destroyed = true;
            }
            if (!ReferenceEquals(whole, null) && !ReferenceEquals(whole.transform.parent, null))
            {
                whole.transform.parent.Children.Remove(whole.transform);
            }
        }

        /// <summary>Enables and disables what is to be by now.</summary>
        internal static void Refresh(GameObject of)
        {
            foreach (var part in of.Parts.OfType<MonoBehaviour>().ToArray())
            {
                if (part.gameObject.activeInHierarchy && Awoken.Add(part))
                {
                    Call(part, "Awake");
                }
                if (part.isActiveAndEnabled && Running.Add(part))
                {
                    Call(part, "OnEnable");
                }
                else if (!part.isActiveAndEnabled && Running.Remove(part))
                {
                    Call(part, "OnDisable");
                }
            }
            foreach (var child in of.transform.Children.ToArray())
            {
                Refresh(child.gameObject);
            }
        }

        private static void Call(string message)
        {
            foreach (var part in Running.OrderBy(OrderOf).ToArray())
            {
                if (Running.Contains(part))
                {
                    Call(part, message);
                }
            }
        }

        private static int OrderOf(Component part)
        {
            var order = (DefaultExecutionOrder)Attribute.GetCustomAttribute(part.GetType(), typeof(DefaultExecutionOrder));
            return order == null ? 0 : order.order;
        }

        private static void Call(Component part, string message)
        {
            var method = part.GetType().GetMethod(
                message, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic, null, Type.EmptyTypes, null);
            if (method != null)
            {
                method.Invoke(part, null);
            }
        }
    }
}

namespace UnityEngine.Events
{
    public delegate void UnityAction();

    public delegate void UnityAction<T0>(T0 arg0);

    public abstract class UnityEventBase
    {
    }

    [Serializable]
    public class UnityEvent : UnityEventBase
    {
        private UnityAction _calls;

        public void AddListener(UnityAction call)
        {
            _calls += call;
        }

        public void RemoveListener(UnityAction call)
        {
            _calls -= call;
        }

        public void Invoke()
        {
            if (_calls != null)
            {
                _calls();
            }
        }
    }

    [Serializable]
    public class UnityEvent<T0> : UnityEventBase
    {
        private UnityAction<T0> _calls;

        public void AddListener(UnityAction<T0> call)
        {
            _calls += call;
        }

        public void RemoveListener(UnityAction<T0> call)
        {
            _calls -= call;
        }

        public void Invoke(T0 arg0)
        {
            if (_calls != null)
            {
                _calls(arg0);
            }
        }
    }
}

namespace UnityEngine.Android
{
    public class PermissionCallbacks
    {
        public event Action<string> PermissionDenied;

        internal void Deny(string permission)
        {
            if (PermissionDenied != null)
            {
                PermissionDenied(permission);
            }
        }
    }

    public struct Permission
    {
        public const string Microphone = "android.permission.RECORD_AUDIO";

        public static bool HasUserAuthorizedPermission(string permission)
        {
            Engine.PermissionLooks++;
            return Engine.Features.ContainsKey(permission);
        }

        public static void RequestUserPermission(string permission, PermissionCallbacks callbacks)
        {
            Engine.Log.Add("asked for " + permission);
            Engine.Asked = callbacks;
        }
    }
}
